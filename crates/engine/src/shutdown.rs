//! Shutdown requests, for tasks that wait.

use tokio::sync::watch;

/// Requests a shutdown, also when it is dropped.
#[derive(Debug)]
pub struct Trigger(watch::Sender<bool>);

/// Receives the request; clones receive the same one.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<bool>);

/// Creates a trigger and its receiver.
#[must_use]
pub fn shutdown() -> (Trigger, Shutdown) {
    let (sender, receiver) = watch::channel(false);
    (Trigger(sender), Shutdown(receiver))
}

impl Trigger {
    /// Requests the shutdown.
    pub fn pull(&self) {
        self.0.send_replace(true);
    }
}

impl Shutdown {
    /// Waits until the shutdown is requested.
    pub async fn requested(&mut self) {
        // An error means that the trigger was dropped, which also requests the shutdown.
        let _ = self.0.wait_for(|asked| *asked).await;
    }
}
