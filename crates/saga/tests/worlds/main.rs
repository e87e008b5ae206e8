//! Sagas against a small platform in memory (`world.rs`): what exists in the end, after any failure.

mod cancel;
mod crashes;
mod dying;
mod failures;
mod lab;
mod lies;
mod limits;
mod progress;
mod random;
mod world;
