//! Limits on the memory that the service holds per client and in total: for request bodies that are being received,
//! and for responses that have not been read.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::caller::Client;

/// Maximum amounts, in bytes or other units.
#[derive(Debug, Clone, Copy)]
pub struct Quota {
    /// Maximum per client; 0 means no limit.
    pub per_client: usize,
    /// Maximum for all clients; 0 means no limit.
    pub total: usize,
}

/// The amounts that are held. Clients without any are removed.
#[derive(Debug, Clone, Default)]
pub(super) struct HeldMemory(Arc<Mutex<HeldBytes>>);

#[derive(Debug, Default)]
struct HeldBytes {
    of: HashMap<Client, usize>,
    all: usize,
}

/// The amount that is held for one request; released when it is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    held: HeldMemory,
    client: Client,
    taken: usize,
}

impl Quota {
    /// Limits for request bodies of at most `limit` bytes each.
    pub(crate) const fn bodies(limit: usize) -> Self {
        /// Maximum number of concurrent bodies of the maximum length per client.
        const OF_CLIENT: usize = 16;
        /// Maximum number of such bodies for all clients.
        const IN_ALL: usize = 128;
        Self { per_client: limit.saturating_mul(OF_CLIENT), total: limit.saturating_mul(IN_ALL) }
    }

    /// Raises the limits, so that a body of this length fits.
    pub(crate) const fn at_least(self, bytes: usize) -> Self {
        const fn raised(limit: usize, bytes: usize) -> usize {
            if limit == 0 || limit > bytes { limit } else { bytes }
        }
        Self { per_client: raised(self.per_client, bytes), total: raised(self.total, bytes) }
    }

    pub(super) const fn allows(&self, of_client: usize, all: usize) -> bool {
        (self.per_client == 0 || of_client <= self.per_client) && (self.total == 0 || all <= self.total)
    }
}

impl HeldMemory {
    pub(super) fn reservation(&self, client: Client) -> Reservation {
        Reservation { held: self.clone(), client, taken: 0 }
    }

    /// Whether more can be held for this client.
    pub(super) fn has_capacity(&self, client: &Client, quota: Quota) -> bool {
        let held_bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        quota.allows(held_bytes.of(client) + 1, held_bytes.all + 1)
    }
}

impl HeldBytes {
    fn of(&self, client: &Client) -> usize {
        self.of.get(client).copied().unwrap_or(0)
    }
}

impl Reservation {
    /// Reserves more bytes; returns `false` if the limit is reached.
    pub(crate) fn take(&mut self, bytes: usize, quota: Quota) -> bool {
        let mut held_bytes = self.held.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_client = held_bytes.of(&self.client) + bytes;
        if !quota.allows(of_client, held_bytes.all + bytes) {
            return false;
        }
        held_bytes.of.insert(self.client.clone(), of_client);
        held_bytes.all += bytes;
        self.taken += bytes;
        true
    }

    /// Like [`Self::take`], but the limit per client does not apply to a client for which nothing is held yet.
    pub(super) fn take_first(&mut self, bytes: usize, quota: Quota) -> bool {
        let is_first = self.held.0.lock().unwrap_or_else(PoisonError::into_inner).of(&self.client) == 0;
        let of_client = if is_first { 0 } else { quota.per_client };
        self.take(bytes, Quota { per_client: of_client, ..quota })
    }

    /// Sets the held amount, regardless of the limits.
    pub(super) fn set(&mut self, bytes: usize) {
        if bytes == self.taken {
            return;
        }
        let mut held_bytes = self.held.0.lock().unwrap_or_else(PoisonError::into_inner);
        held_bytes.all = (held_bytes.all + bytes).saturating_sub(self.taken);
        match (held_bytes.of(&self.client) + bytes).saturating_sub(self.taken) {
            0 => drop(held_bytes.of.remove(&self.client)),
            of_client => drop(held_bytes.of.insert(self.client.clone(), of_client)),
        }
        self.taken = bytes;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Quota = Quota { per_client: 100, total: 250 };

    fn client() -> Client {
        Client::At(None)
    }

    #[test]
    fn a_client_has_room_for_some_bodies_and_gives_it_back() {
        let held = HeldMemory::default();
        let quota = Quota::bodies(100);
        let mut reservations: Vec<Reservation> = (0..16).map(|_| held.reservation(client())).collect();
        assert!(
            reservations
                .iter_mut()
                .all(|reservation| reservation.take(60, quota) && reservation.take(40, quota))
        );
        let mut one_more = held.reservation(client());
        assert!(!one_more.take(1, quota));
        assert!(held.reservation(Client::Others).take(100, quota), "another client");
        drop(reservations.pop());
        assert!(one_more.take(100, quota));
        drop((reservations, one_more));
        let left = held.0.lock().expect("whole");
        assert_eq!((left.all, left.of.len()), (0, 0));
    }

    #[test]
    fn the_first_reply_of_a_client_may_be_larger_than_its_limit_but_not_than_that_of_all() {
        let held = HeldMemory::default();
        let (mut first, mut second) = (held.reservation(client()), held.reservation(client()));
        assert!(first.take_first(200, SMALL));
        assert!(!second.take_first(1, SMALL) && !held.has_capacity(&client(), SMALL));
        assert!(!held.reservation(Client::Others).take_first(51, SMALL), "more than all may have");
        assert!(held.reservation(Client::Others).take_first(50, SMALL));
        first.set(99);
        assert!(held.has_capacity(&client(), SMALL));
        assert!(second.take_first(1, SMALL) && !held.has_capacity(&client(), SMALL));
        let unlimited = Quota { per_client: 0, total: 0 };
        assert!(second.take(usize::MAX / 4, unlimited) && held.has_capacity(&client(), unlimited));
        drop((first, second));
        let left = held.0.lock().expect("whole");
        assert_eq!((left.all, left.of.len()), (0, 0));
    }
}
