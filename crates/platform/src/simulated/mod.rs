//! A platform that exists in memory only: for dry runs, demonstrations and tests, and where no other platform is at hand.
//!
//! It behaves as real ones do: actions take time and return handles, things that are worked on are locked, names, subnets and
//! addresses collide, quotas run out. [`Options`] set latencies and faults: calls that fail, are throttled, or are carried out and
//! answered with a timeout. All waiting uses tokio's clock, so a test that pauses the clock waits for nothing. With a file, the
//! state survives a restart, and processes with the same file see the same platform.

mod actions;
mod by_hand;
mod journal;
mod options;
mod platform;
mod world;

pub use by_hand::ByHand;
pub use options::{Latencies, Options};
pub use platform::Simulated;
