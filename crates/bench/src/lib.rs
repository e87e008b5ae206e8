//! Jobs and events of ordinary size, for measuring. The programs beside this are what `./bench.sh` starts.

pub mod sample;
