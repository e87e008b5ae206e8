//! Waiting for conditions instead of sleeping.

use std::time::{Duration, Instant};

/// How long anything may take before a test fails: Ansible on a busy machine is slow.
pub const WAIT_LIMIT: Duration = Duration::from_secs(120);
/// The longest pause before a condition is evaluated again.
const MAX_POLL: Duration = Duration::from_millis(100);
/// How long to wait before a condition is evaluated again.
pub const POLL: Duration = Duration::from_millis(20);

/// Waits until a condition holds.
///
/// # Panics
///
/// If it does not hold in time.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    until_async(what, async || condition()).await;
}

/// Waits until a condition holds that takes requests to evaluate.
///
/// # Panics
///
/// If it does not hold in time.
pub async fn until_async(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !condition().await {
        assert!(begun.elapsed() < WAIT_LIMIT, "still waiting until {what}");
        pause(begun).await;
    }
}

/// Sleeps before a condition is evaluated again: a tenth of the time that passed so far, within limits. The service replies to each poll,
/// and a test that polls for seconds would keep a core busy.
pub(crate) async fn pause(begun: Instant) {
    tokio::time::sleep((begun.elapsed() / 10).clamp(POLL, MAX_POLL)).await;
}
