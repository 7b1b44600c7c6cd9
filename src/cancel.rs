//! Cancellation of tasks. Waiting tasks wake in the order in which they began to wait: a `watch` channel wakes its
//! receivers in a random order, which would make runs in virtual time irreproducible.

use futures::FutureExt;
use futures::future::Shared;
use tokio::sync::oneshot;

/// Cancels all tokens of its channel, when called or dropped.
#[derive(Debug)]
pub(crate) struct CancelHandle(oneshot::Sender<()>);

/// Tells a task that it is cancelled.
#[derive(Clone, Debug)]
pub(crate) struct CancelToken(Shared<oneshot::Receiver<()>>);

/// A handle and its token.
#[must_use]
pub(crate) fn channel() -> (CancelHandle, CancelToken) {
    let (sender, receiver) = oneshot::channel();
    (CancelHandle(sender), CancelToken(receiver.shared()))
}

impl CancelHandle {
    /// Cancels all tokens.
    pub(crate) fn cancel(self) {
        // An error means that every task has already ended.
        let _ = self.0.send(());
    }
}

impl CancelToken {
    /// True once the handle was used or dropped.
    #[must_use]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.0.clone().now_or_never().is_some()
    }

    /// Waits until [`is_cancelled`](Self::is_cancelled) is true.
    pub(crate) async fn cancelled(&self) {
        // An error means that the handle was dropped, which cancels too.
        let _ = self.0.clone().await;
    }
}
