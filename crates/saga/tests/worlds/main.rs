//! Sagas against a small platform of their own (`world.rs`): what exists there in the end, whatever failed on the way.

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
