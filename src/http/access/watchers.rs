//! How many streams and WebSockets a client may have open at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::caller::Client;

/// Those that are open. A client without any is not remembered.
#[derive(Debug, Clone)]
pub(crate) struct Watchers {
    /// 0 sets no limit.
    most: usize,
    open: Arc<Mutex<HashMap<Client, usize>>>,
}

/// One of them; dropping it makes room for another.
#[derive(Debug)]
pub(crate) struct Seat {
    client: Client,
    open: Arc<Mutex<HashMap<Client, usize>>>,
}

impl Watchers {
    pub(super) fn new(most: usize) -> Self {
        Self { most, open: Arc::default() }
    }

    /// `None` when the client has as many as it may.
    pub(super) fn enter(&self, client: Client) -> Option<Seat> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.get(&client).copied().unwrap_or(0);
        if self.most > 0 && count >= self.most {
            return None;
        }
        open.insert(client.clone(), count + 1);
        Some(Seat { client, open: Arc::clone(&self.open) })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(&self.client) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.remove(&self.client)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_leaves_makes_room_and_is_forgotten() {
        let watchers = Watchers::new(2);
        let client = || Client::At(None);
        let (first, second) = (watchers.enter(client()), watchers.enter(client()));
        assert!(first.is_some() && second.is_some());
        assert!(watchers.enter(client()).is_none());
        assert!(watchers.enter(Client::Others).is_some(), "another client");
        drop(first);
        assert!(watchers.enter(client()).is_some());
        drop(second);
        assert!(watchers.open.lock().expect("whole").is_empty());
        let unlimited = Watchers::new(0);
        let seats: Vec<_> = (0..1000).map_while(|_| unlimited.enter(client())).collect();
        assert_eq!(seats.len(), 1000);
    }
}
