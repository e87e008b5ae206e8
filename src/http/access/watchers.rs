//! Limits on concurrent streams and WebSockets per client and in total. They are also closed when the credentials
//! of the caller are no longer valid.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use engine::{Shutdown, Tokens};
use jiff::Timestamp;
use tokio::{task::JoinHandle, time::sleep};

use super::{
    audit::now,
    caller::{Caller, Client, Via},
    held::Quota,
};

/// How often a token is checked again.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// The open streams and WebSockets. Clients without any are removed.
#[derive(Debug, Clone)]
pub(crate) struct Watchers {
    quota: Quota,
    open: Arc<Mutex<HashMap<Client, usize>>>,
}

/// One stream or WebSocket; dropping it releases its slot.
#[derive(Debug)]
pub(crate) struct WatcherSlot {
    client: Client,
    open: Arc<Mutex<HashMap<Client, usize>>>,
    until: Shutdown,
    /// Whether the credentials of the caller are no longer valid.
    revoked: Arc<AtomicBool>,
    /// The task that checks the credentials of the caller.
    check: Option<JoinHandle<()>>,
}

impl Watchers {
    pub(super) fn new(quota: Quota) -> Self {
        Self { quota, open: Arc::default() }
    }

    /// Opens a stream or WebSocket; returns `None` when a limit is reached.
    pub(super) fn enter(&self, client: Client, shutdown: &Shutdown) -> Option<WatcherSlot> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.get(&client).copied().unwrap_or(0);
        if !self.quota.allows(count + 1, open.values().sum::<usize>() + 1) {
            return None;
        }
        open.insert(client.clone(), count + 1);
        let (open, until) = (Arc::clone(&self.open), shutdown.clone());
        Some(WatcherSlot { client, open, until, revoked: Arc::default(), check: None })
    }
}

impl WatcherSlot {
    /// Also requests the end when the credentials of the caller are no longer valid.
    pub(super) fn while_authorized(mut self, caller: &Caller, tokens: &Tokens) -> Self {
        let (tokens, via, expires_at) = (tokens.clone(), caller.via.clone(), caller.expires_at);
        if !matches!(via, Via::Token(_)) && expires_at.is_none() {
            return self;
        }
        let (trigger, until) = engine::shutdown();
        let mut shutdown = std::mem::replace(&mut self.until, until);
        let revoked = Arc::clone(&self.revoked);
        self.check = Some(actix_web::rt::spawn(async move {
            tokio::select! {
                () = shutdown.requested() => {}
                () = until_unauthorized(&via, expires_at, &tokens) => revoked.store(true, Relaxed),
            }
            trigger.pull();
        }));
        self
    }

    /// Requests the end when the service stops, or when the credentials of the caller are no longer valid.
    pub(crate) fn until(&self) -> Shutdown {
        self.until.clone()
    }

    /// Whether [`WatcherSlot::until`] requested the end because the credentials of this caller are no longer valid.
    pub(crate) fn is_revoked(&self) -> bool {
        self.revoked.load(Relaxed)
    }
}

async fn until_unauthorized(via: &Via, expires_at: Option<Timestamp>, tokens: &Tokens) {
    loop {
        let left = expires_at.map(|end| Duration::try_from(end - now()).unwrap_or_default());
        sleep(left.unwrap_or(CHECK_INTERVAL).min(CHECK_INTERVAL)).await;
        if is_unauthorized(via, expires_at, tokens).await {
            return;
        }
    }
}

/// Whether credentials have expired or were revoked; `false` while the store does not respond.
pub(super) async fn is_unauthorized(via: &Via, expires_at: Option<Timestamp>, tokens: &Tokens) -> bool {
    if expires_at.is_some_and(|end| end <= now()) {
        return true;
    }
    match via {
        Via::Token(id) => match tokens.find(id).await {
            Ok(token) => token.is_none_or(|token| token.fault(now()).is_some()),
            Err(_) => false,
        },
        Via::None | Via::Gateway | Via::Jwt => false,
    }
}

impl Drop for WatcherSlot {
    fn drop(&mut self) {
        if let Some(check) = &self.check {
            check.abort();
        }
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
    fn a_client_that_disconnects_frees_its_slot_and_is_removed() {
        let watchers = Watchers::new(Quota { per_client: 2, total: 3 });
        let (_trigger, shutdown) = engine::shutdown();
        let client = || Client::At(None);
        let (first, second) = (watchers.enter(client(), &shutdown), watchers.enter(client(), &shutdown));
        assert!(first.is_some() && second.is_some());
        assert!(watchers.enter(client(), &shutdown).is_none());
        let other = watchers.enter(Client::Others, &shutdown);
        assert!(other.is_some(), "another client");
        assert!(watchers.enter(Client::Others, &shutdown).is_none(), "as many as may be in all");
        drop(other);
        drop(first);
        assert!(watchers.enter(client(), &shutdown).is_some());
        drop(second);
        assert!(watchers.open.lock().expect("whole").is_empty());
        let unlimited = Watchers::new(Quota { per_client: 0, total: 0 });
        let seats: Vec<_> = (0..1000).map_while(|_| unlimited.enter(client(), &shutdown)).collect();
        assert_eq!(seats.len(), 1000);
    }
}
