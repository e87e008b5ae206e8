//! Isolation levels as in the settings.

use serde::{Deserialize, Serialize};

use crate::sandbox::Sandbox;

/// How far a run is kept from everything else on its machine.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Isolation {
    /// Only what it needs is seen; `None` leaves all to be seen.
    pub sandbox: Option<Sandbox>,
    /// Whether its home is its own.
    pub private_home: bool,
    /// Whether programs with the rights of their owner, such as `sudo`, are kept from getting them.
    pub no_new_privileges: bool,
    /// How many files each of its processes may have open; 0 sets no limit.
    pub open_files: u64,
    /// The largest file in bytes that each of its processes may write; 0 sets no limit.
    pub file_bytes: u64,
}
