//! How tasks are told to stop, all at once and in their order. Not a `watch` channel: that one wakes its receivers in an order of chance, and a run in
//! virtual time is to be the same run every time.

use futures::FutureExt;
use futures::future::Shared;
use tokio::sync::oneshot;

/// Stops them when pressed, and when dropped.
#[derive(Debug)]
pub struct CancelHandle(oneshot::Sender<()>);

/// What the tasks wait for.
#[derive(Clone, Debug)]
pub struct CancelToken(Shared<oneshot::Receiver<()>>);

/// A button and its bell.
#[must_use]
pub fn channel() -> (CancelHandle, CancelToken) {
    let (sender, receiver) = oneshot::channel();
    (CancelHandle(sender), CancelToken(receiver.shared()))
}

impl CancelHandle {
    /// Stops them.
    pub fn cancel(self) {
        // Nobody listens when every task has ended already.
        let _ = self.0.send(());
    }
}

impl CancelToken {
    /// Whether they are to stop, or nobody is left who could stop them.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.clone().now_or_never().is_some()
    }

    /// Resolves when [`Stop::now`] turns true.
    pub async fn cancelled(&self) {
        // An error means that the button is gone: the same end.
        let _ = self.0.clone().await;
    }
}
