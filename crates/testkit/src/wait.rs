//! Waiting for conditions instead of sleeping.

use std::time::{Duration, Instant};

/// How long anything may take before a test fails: Ansible on a busy machine is slow.
pub const WAIT_LIMIT: Duration = Duration::from_secs(120);
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
        tokio::time::sleep(POLL).await;
    }
}
