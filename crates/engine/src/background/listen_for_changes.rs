//! Receives notifications from other processes that share the store, and forwards them within this process.
//!
//! An activation lasts as long as the process listens, normally until the process ends.

use store::{Notification, Store};

use super::{
    error::TaskError,
    task::{About, Task},
};
use crate::{changes::Changes, held::HeldRuns, nudge::Nudge, queue::Queue};

/// Listens for changes.
#[derive(Debug)]
pub(crate) struct ListenForChanges {
    pub(crate) store: Store,
    pub(crate) changes: Changes,
    pub(crate) held: HeldRuns,
    pub(crate) queue: Queue,
    /// Nudges `relay_cancellations`.
    pub(crate) cancellations: Nudge,
}

impl ListenForChanges {
    fn pass_on(&self, notification: Notification) {
        match notification {
            Notification::Job(job) => {
                self.changes.publish(job);
                if self.held.has_job(job) {
                    self.cancellations.send();
                }
            }
            // Notifications were lost. Subscribers also poll by a timer.
            Notification::Reconnected => {}
        }
        self.queue.nudge();
    }
}

impl Task for ListenForChanges {
    const ABOUT: About = About {
        name: "listen_for_changes",
        summary: "Receives notifications of other nodes; runs as long as it listens",
    };

    async fn activate(&self) -> Result<u64, TaskError> {
        // The store returns no listener when this process is the only one that writes to it.
        let Some(mut listener) = self.store.listen().await? else { return Ok(0) };
        loop {
            self.pass_on(listener.next().await);
        }
    }
}
