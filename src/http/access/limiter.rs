//! Rate limits per client: a number of requests per minute, plus a burst (GCRA, a leaky bucket as a meter).
//!
//! For each client and kind of request, the theoretical arrival time of the next request is stored. At most
//! [`MOST_CLIENTS`] clients are tracked. When all of these have outstanding requests, further clients share one
//! entry, so that many addresses neither use more memory nor displace other clients.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::caller::Client;

/// Maximum number of clients that are tracked separately, at about 200 bytes each.
const MOST_CLIENTS: usize = 20_000;
/// How often clients without outstanding requests are removed.
const FORGET: Duration = Duration::from_secs(30);

/// Requests per minute, and a burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// 0 means no limit.
    pub per_minute: u32,
    /// Maximum number of requests at once; at least one.
    pub burst: u32,
}

/// The kind of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A read.
    Read,
    /// A change.
    Write,
    /// A request that was rejected because of its credentials.
    Rejected,
    /// A log line about a rejection.
    Logged,
}

/// Number of kinds.
const KINDS: usize = 4;
/// One log line per client and second.
const LOGGED: Rate = Rate { per_minute: 60, burst: 1 };

/// Rate limits by kind of request.
#[derive(Debug)]
pub(super) struct Limiter {
    rates: [Rate; KINDS],
    clients: Mutex<Clients>,
}

#[derive(Debug)]
struct Clients {
    paid_off: HashMap<Client, [Instant; KINDS]>,
    forgotten: Instant,
}

impl Limiter {
    pub(super) fn new(reads: Rate, writes: Rate, refused: Rate) -> Self {
        let clients = Clients { paid_off: HashMap::new(), forgotten: Instant::now() };
        Self { rates: [reads, writes, refused, LOGGED], clients: Mutex::new(clients) }
    }

    /// Whether a rejection of this client is logged, which is limited to one per second.
    pub(super) fn logs(&self, client: Client, now: Instant) -> bool {
        self.count(client, Kind::Logged, now).is_ok()
    }

    /// Counts a request. The error is the time to wait before the next request.
    pub(super) fn count(&self, client: Client, kind: Kind, now: Instant) -> Result<(), Duration> {
        let rate = self.rates[kind as usize];
        if rate.per_minute == 0 {
            return Ok(());
        }
        let each = Duration::from_secs(60) / rate.per_minute;
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let paid_off = &mut clients.of(client, now)[kind as usize];
        let begin = (*paid_off).max(now);
        // The outstanding time before this request can be at most one request less than the burst.
        let most = each * (rate.burst.max(1) - 1);
        let owed = begin.duration_since(now);
        if owed > most {
            return Err(owed - most);
        }
        *paid_off = begin + each;
        Ok(())
    }
}

impl Clients {
    fn of(&mut self, client: Client, now: Instant) -> &mut [Instant; KINDS] {
        let is_new = !self.paid_off.contains_key(&client);
        if is_new && now.duration_since(self.forgotten) >= FORGET {
            self.forgotten = now;
            self.paid_off.retain(|_, moments| moments.iter().any(|moment| *moment > now));
        }
        let is_full = is_new && self.paid_off.len() >= MOST_CLIENTS;
        let client = if is_full { Client::Others } else { client };
        self.paid_off.entry(client).or_insert([now; KINDS])
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn at(number: u32) -> Client {
        Client::At(Some(IpAddr::V4(number.into())))
    }

    fn limiter(per_minute: u32, burst: u32) -> Limiter {
        let rate = Rate { per_minute, burst };
        Limiter::new(rate, Rate { per_minute: 0, burst: 0 }, rate)
    }

    #[test]
    fn a_burst_passes_and_then_one_each_second() {
        let limiter = limiter(60, 3);
        let begin = Instant::now();
        let count = |after_ms: u64| limiter.count(at(1), Kind::Read, begin + Duration::from_millis(after_ms));
        assert!((0..3).all(|_| count(0).is_ok()));
        assert_eq!(count(0), Err(Duration::from_secs(1)));
        assert_eq!(count(400), Err(Duration::from_millis(600)));
        assert_eq!(count(1000), Ok(()));
        assert!(count(1000).is_err());
        assert!((0..3).all(|_| count(60_000).is_ok()), "after a while all is paid off");
        assert!(count(60_000).is_err());
    }

    #[test]
    fn clients_and_kinds_do_not_share_and_0_sets_no_limit() {
        let limiter = limiter(60, 1);
        let now = Instant::now();
        assert!(limiter.count(at(1), Kind::Read, now).is_ok());
        assert!(limiter.count(at(1), Kind::Read, now).is_err());
        assert!(limiter.count(at(2), Kind::Read, now).is_ok());
        assert!(limiter.count(at(1), Kind::Rejected, now).is_ok());
        assert!((0..1000).all(|_| limiter.count(at(1), Kind::Write, now).is_ok()));
    }

    #[test]
    fn many_clients_exceed_no_memory_limit_and_displace_no_client() {
        let limiter = limiter(60, 2);
        let now = Instant::now();
        let count = |number, after| limiter.count(at(number), Kind::Read, now + after);
        assert!(count(0, Duration::ZERO).is_ok() && count(0, Duration::ZERO).is_ok());
        let passed = (1..100_000).filter(|number| count(*number, Duration::ZERO).is_ok()).count();
        let kept = || limiter.clients.lock().expect("whole").paid_off.len();
        assert_eq!(kept(), MOST_CLIENTS + 1);
        assert_eq!(passed, MOST_CLIENTS - 1 + 2, "all others have one burst together");
        assert!(count(0, Duration::ZERO).is_err(), "who was there is still known");
        assert!(count(100_000, FORGET).is_ok());
        assert_eq!(kept(), 1, "who owes nothing is forgotten");
    }
}
