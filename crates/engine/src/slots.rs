//! Run slots limit the number of concurrent jobs of this node.
//!
//! A slot is acquired before a job is claimed. A job that waits for its children releases its slot: otherwise a
//! node with one slot would wait for children that cannot start. Slots are granted in the order of the requests, so
//! that neither the scheduler nor a job that has finished waiting is starved.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The slots of a node.
#[derive(Debug, Clone)]
pub struct Slots {
    free: Arc<Semaphore>,
    max: usize,
}

/// A slot for one job, returned when this is dropped.
#[derive(Debug)]
pub struct Slot {
    free: Arc<Semaphore>,
    permit: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Slots {
    /// Creates this number of slots, at least one.
    #[must_use]
    pub fn new(max: usize) -> Self {
        let max = max.max(1);
        Self { free: Arc::new(Semaphore::new(max)), max }
    }

    /// The total number of slots.
    #[must_use]
    pub const fn max(&self) -> usize {
        self.max
    }

    /// The number of occupied slots.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.max.saturating_sub(self.free.available_permits())
    }

    /// Waits for a slot, behind all earlier requests.
    pub async fn take(&self) -> Slot {
        Slot { free: Arc::clone(&self.free), permit: Mutex::new(permit(&self.free).await) }
    }

    /// Takes a slot if one is free, otherwise continues without one. For work that was already running before a
    /// restart.
    #[must_use]
    pub fn take_if_free(&self) -> Slot {
        let permit = Arc::clone(&self.free).try_acquire_owned().ok();
        Slot { free: Arc::clone(&self.free), permit: Mutex::new(permit) }
    }
}

impl Slot {
    /// Releases the slot while `something` runs, then waits for a slot again.
    pub async fn release_while<F: Future>(&self, something: F) -> F::Output {
        drop(self.put(None));
        let output = something.await;
        let taken = permit(&self.free).await;
        drop(self.put(taken));
        output
    }

    /// Returns the slot for good: the work does not need it.
    pub fn give_back(&self) {
        drop(self.put(None));
    }

    /// Whether the slot is occupied. `false` while it is released.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.permit.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn put(&self, permit: Option<OwnedSemaphorePermit>) -> Option<OwnedSemaphorePermit> {
        std::mem::replace(&mut *self.permit.lock().unwrap_or_else(PoisonError::into_inner), permit)
    }
}

async fn permit(free: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    // The semaphore is never closed, so this always returns a permit.
    Arc::clone(free).acquire_owned().await.ok()
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_job_that_waits_for_its_child_leaves_it_the_only_slot() {
        let slots = Slots::new(1);
        let parent = slots.take().await;
        let child = async {
            let slot = slots.take().await;
            (slot.is_taken(), parent.is_taken(), slots.taken())
        };
        assert_eq!(parent.release_while(child).await, (true, false, 1));
        assert!(parent.is_taken());
        assert_eq!(slots.taken(), 1);
        drop(parent);
        assert_eq!(slots.taken(), 0);
    }

    #[tokio::test]
    async fn slots_are_granted_in_the_order_of_requests() {
        let slots = Slots::new(1);
        let order: Arc<Mutex<Vec<&str>>> = Arc::default();
        let note = |name: &'static str| order.lock().expect("no panic").push(name);
        let parent = slots.take().await;
        let (end, ended) = oneshot::channel::<()>();
        let other = slots.take();
        let waits = async {
            parent.release_while(ended).await.expect("sent");
            note("parent");
            drop(parent);
        };
        let passes = async {
            // Polled second: the parent has released its slot, and waits for its child.
            let slot = other.await;
            end.send(()).expect("the parent waits");
            // Let the parent request a slot before the later requests.
            tokio::task::yield_now().await;
            note("other");
            drop(slot);
            drop(slots.take().await);
            note("later");
        };
        tokio::join!(biased; waits, passes);
        assert_eq!(*order.lock().expect("no panic"), ["other", "parent", "later"]);
    }

    #[tokio::test]
    async fn work_of_before_a_restart_goes_without_a_slot_where_none_is_free() {
        let slots = Slots::new(0);
        let (first, second) = (slots.take_if_free(), slots.take_if_free());
        assert_eq!((slots.max(), first.is_taken(), second.is_taken()), (1, true, false));
        drop(first);
        second.release_while(async { assert_eq!(slots.taken(), 0) }).await;
        assert!(second.is_taken());
    }
}
