//! How much of bodies that are being received a client, and all of them, may keep in memory.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::caller::Client;

/// How many bodies of the longest length a client may have on their way.
const OF_CLIENT: usize = 16;
/// How many there may be of all clients.
const OF_ALL: usize = 128;

/// What is on its way. A client without any is not remembered.
#[derive(Debug, Clone, Default)]
pub(super) struct Bodies(Arc<Mutex<OnTheirWay>>);

#[derive(Debug, Default)]
struct OnTheirWay {
    of: HashMap<Client, usize>,
    all: usize,
}

/// A body on its way; dropping it makes room.
#[derive(Debug)]
pub(crate) struct Room {
    bodies: Bodies,
    client: Client,
    taken: usize,
}

impl Bodies {
    pub(super) fn room(&self, client: Client) -> Room {
        Room { bodies: self.clone(), client, taken: 0 }
    }
}

impl Room {
    /// Takes room for some more bytes; `false` where there is none. `limit` is the longest body.
    pub(crate) fn take(&mut self, bytes: usize, limit: usize) -> bool {
        let mut on_their_way = self.bodies.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_client = on_their_way.of.get(&self.client).copied().unwrap_or(0) + bytes;
        let of_all = on_their_way.all + bytes;
        if of_client > limit.saturating_mul(OF_CLIENT) || of_all > limit.saturating_mul(OF_ALL) {
            return false;
        }
        on_their_way.of.insert(self.client.clone(), of_client);
        on_their_way.all = of_all;
        self.taken += bytes;
        true
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.taken == 0 {
            return;
        }
        let mut on_their_way = self.bodies.0.lock().unwrap_or_else(PoisonError::into_inner);
        on_their_way.all = on_their_way.all.saturating_sub(self.taken);
        match on_their_way.of.get_mut(&self.client) {
            Some(of_client) if *of_client > self.taken => *of_client -= self.taken,
            _ => drop(on_their_way.of.remove(&self.client)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_room_for_some_bodies_and_gives_it_back() {
        let bodies = Bodies::default();
        let client = || Client::At(None);
        let mut rooms: Vec<Room> = (0..OF_CLIENT).map(|_| bodies.room(client())).collect();
        assert!(rooms.iter_mut().all(|room| room.take(60, 100) && room.take(40, 100)));
        let mut one_more = bodies.room(client());
        assert!(!one_more.take(1, 100));
        assert!(bodies.room(Client::Others).take(100, 100), "another client");
        drop(rooms.pop());
        assert!(one_more.take(100, 100));
        drop((rooms, one_more));
        let left = bodies.0.lock().expect("whole");
        assert_eq!((left.all, left.of.len()), (0, 0));
    }
}
