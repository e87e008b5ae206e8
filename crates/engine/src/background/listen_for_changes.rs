//! Receives notifications of other processes of the same store, and passes them on in this one.
//!
//! An activation lasts as long as the process listens, which is for ever as a rule.

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
    fn pass_on(&self, heard: Notification) {
        match heard {
            Notification::Job(job) => {
                self.changes.publish(job);
                if self.held.has_job(job) {
                    self.cancellations.send();
                }
            }
            // Notifications were lost; those who wait for one poll by a timer, too.
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
        // There is no listener where no other process writes to the store.
        let Some(mut listener) = self.store.listen().await? else { return Ok(0) };
        loop {
            self.pass_on(listener.next().await);
        }
    }
}
