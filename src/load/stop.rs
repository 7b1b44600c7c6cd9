//! How a load is told to stop. Not a `watch` channel: that one wakes its receivers in an order of chance, and a run in
//! virtual time is to be the same run every time.

use futures::FutureExt;
use futures::future::Shared;
use tokio::sync::oneshot;

/// Stops the load when pressed, and when dropped.
#[derive(Debug)]
pub(super) struct StopButton(oneshot::Sender<()>);

/// What the tasks of a load wait for.
#[derive(Clone, Debug)]
pub(super) struct Stop(Shared<oneshot::Receiver<()>>);

/// A button and its bell.
pub(super) fn button() -> (StopButton, Stop) {
    let (button, bell) = oneshot::channel();
    (StopButton(button), Stop(bell.shared()))
}

impl StopButton {
    /// Stops the load.
    pub(super) fn press(self) {
        // Nobody listens when every task has ended already.
        let _ = self.0.send(());
    }
}

impl Stop {
    /// Whether the load is to stop, or nobody is left who could stop it.
    pub(super) fn now(&self) -> bool {
        self.0.clone().now_or_never().is_some()
    }

    /// Resolves when [`Stop::now`] turns true.
    pub(super) async fn pressed(&self) {
        // An error means that the button is gone: the same end.
        let _ = self.0.clone().await;
    }
}
