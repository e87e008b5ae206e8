//! Telling everything that waits that the service is about to end.

use tokio::sync::watch;

/// Asks for the end; dropping it asks too.
#[derive(Debug)]
pub struct Trigger(watch::Sender<bool>);

/// Hears of it; clones hear of the same.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<bool>);

/// A trigger and what hears it.
#[must_use]
pub fn shutdown() -> (Trigger, Shutdown) {
    let (sender, receiver) = watch::channel(false);
    (Trigger(sender), Shutdown(receiver))
}

impl Trigger {
    /// Asks everything that waits to end.
    pub fn pull(&self) {
        self.0.send_replace(true);
    }
}

impl Shutdown {
    /// Waits until the end is asked for.
    pub async fn requested(&mut self) {
        // An error means that the trigger is gone, which asks for the end too.
        let _ = self.0.wait_for(|asked| *asked).await;
    }
}
