//! Limits on the memory that the service holds per client and in total: for request bodies that are being received,
//! and for responses that have not been read.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::caller::Client;

/// Maximum amounts, in bytes or other units.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    /// Maximum per client; 0 means no limit.
    pub of_client: usize,
    /// Maximum for all clients; 0 means no limit.
    pub in_all: usize,
}

/// The amounts that are held. Clients without any are removed.
#[derive(Debug, Clone, Default)]
pub(super) struct HeldMemory(Arc<Mutex<Amounts>>);

#[derive(Debug, Default)]
struct Amounts {
    of: HashMap<Client, usize>,
    all: usize,
}

/// The amount that is held for one request; released when it is dropped.
#[derive(Debug)]
pub(crate) struct Room {
    held: HeldMemory,
    client: Client,
    taken: usize,
}

impl Most {
    /// Limits for request bodies of at most `limit` bytes each.
    pub(crate) const fn bodies(limit: usize) -> Self {
        /// Maximum number of concurrent bodies of the maximum length per client.
        const OF_CLIENT: usize = 16;
        /// Maximum number of such bodies for all clients.
        const IN_ALL: usize = 128;
        Self { of_client: limit.saturating_mul(OF_CLIENT), in_all: limit.saturating_mul(IN_ALL) }
    }

    /// Raises the limits, so that a body of this length fits.
    pub(crate) const fn at_least(self, bytes: usize) -> Self {
        const fn raised(limit: usize, bytes: usize) -> usize {
            if limit == 0 || limit > bytes { limit } else { bytes }
        }
        Self { of_client: raised(self.of_client, bytes), in_all: raised(self.in_all, bytes) }
    }

    pub(super) const fn allows(&self, of_client: usize, all: usize) -> bool {
        (self.of_client == 0 || of_client <= self.of_client) && (self.in_all == 0 || all <= self.in_all)
    }
}

impl HeldMemory {
    pub(super) fn room(&self, client: Client) -> Room {
        Room { held: self.clone(), client, taken: 0 }
    }

    /// Whether more can be held for this client.
    pub(super) fn has_room(&self, client: &Client, most: Most) -> bool {
        let amounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        most.allows(amounts.of(client) + 1, amounts.all + 1)
    }
}

impl Amounts {
    fn of(&self, client: &Client) -> usize {
        self.of.get(client).copied().unwrap_or(0)
    }
}

impl Room {
    /// Reserves more bytes; returns `false` if the limit is reached.
    pub(crate) fn take(&mut self, bytes: usize, most: Most) -> bool {
        let mut amounts = self.held.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_client = amounts.of(&self.client) + bytes;
        if !most.allows(of_client, amounts.all + bytes) {
            return false;
        }
        amounts.of.insert(self.client.clone(), of_client);
        amounts.all += bytes;
        self.taken += bytes;
        true
    }

    /// Like [`Self::take`], but the limit per client does not apply to a client for which nothing is held yet.
    pub(super) fn take_first(&mut self, bytes: usize, most: Most) -> bool {
        let is_first = self.held.0.lock().unwrap_or_else(PoisonError::into_inner).of(&self.client) == 0;
        let of_client = if is_first { 0 } else { most.of_client };
        self.take(bytes, Most { of_client, ..most })
    }

    /// Sets the held amount, regardless of the limits.
    pub(super) fn set(&mut self, bytes: usize) {
        if bytes == self.taken {
            return;
        }
        let mut amounts = self.held.0.lock().unwrap_or_else(PoisonError::into_inner);
        amounts.all = (amounts.all + bytes).saturating_sub(self.taken);
        match (amounts.of(&self.client) + bytes).saturating_sub(self.taken) {
            0 => drop(amounts.of.remove(&self.client)),
            of_client => drop(amounts.of.insert(self.client.clone(), of_client)),
        }
        self.taken = bytes;
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Most = Most { of_client: 100, in_all: 250 };

    fn client() -> Client {
        Client::At(None)
    }

    #[test]
    fn a_client_has_room_for_some_bodies_and_gives_it_back() {
        let held = HeldMemory::default();
        let most = Most::bodies(100);
        let mut rooms: Vec<Room> = (0..16).map(|_| held.room(client())).collect();
        assert!(rooms.iter_mut().all(|room| room.take(60, most) && room.take(40, most)));
        let mut one_more = held.room(client());
        assert!(!one_more.take(1, most));
        assert!(held.room(Client::Others).take(100, most), "another client");
        drop(rooms.pop());
        assert!(one_more.take(100, most));
        drop((rooms, one_more));
        let left = held.0.lock().expect("whole");
        assert_eq!((left.all, left.of.len()), (0, 0));
    }

    #[test]
    fn the_first_reply_of_a_client_may_be_larger_than_its_limit_but_not_than_that_of_all() {
        let held = HeldMemory::default();
        let (mut first, mut second) = (held.room(client()), held.room(client()));
        assert!(first.take_first(200, SMALL));
        assert!(!second.take_first(1, SMALL) && !held.has_room(&client(), SMALL));
        assert!(!held.room(Client::Others).take_first(51, SMALL), "more than all may have");
        assert!(held.room(Client::Others).take_first(50, SMALL));
        first.set(99);
        assert!(held.has_room(&client(), SMALL));
        assert!(second.take_first(1, SMALL) && !held.has_room(&client(), SMALL));
        let unlimited = Most { of_client: 0, in_all: 0 };
        assert!(second.take(usize::MAX / 4, unlimited) && held.has_room(&client(), unlimited));
        drop((first, second));
        let left = held.0.lock().expect("whole");
        assert_eq!((left.all, left.of.len()), (0, 0));
    }
}
