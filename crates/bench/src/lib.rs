//! Jobs and events of ordinary size, for measuring. `./bench.sh` starts the programs of this crate.

pub mod sample;
