//! The resource limits of a run, and which of them it exceeded.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a run may use.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Limits {
    /// The longest it may take.
    pub total: Duration,
    /// The longest it may be silent; `None` sets no limit.
    pub idle: Option<Duration>,
    /// How long its processes may take to end after SIGTERM.
    pub grace: Duration,
    /// The largest event that is kept, in bytes.
    pub event_bytes: usize,
    /// How much it may print, in bytes; 0 sets no limit.
    pub output_bytes: u64,
    /// How much memory its processes may use together, in bytes; 0 sets no limit.
    pub memory_bytes: u64,
    /// How many processes and threads it may have at a time; 0 sets no limit.
    pub processes: u64,
    /// How much the results may hold together, in bytes of JSON.
    pub result_bytes: usize,
}

/// What a run had too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// More than `runs.memory_max_bytes`.
    Memory,
    /// More than `runs.processes_max`.
    Processes,
}
