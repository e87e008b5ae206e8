//! Options of plans of ranges.

use std::time::Duration;

/// How plans are carried out.
#[derive(Debug, Clone, Copy)]
pub struct RangeOptions {
    /// Maximum number of concurrent steps of one plan.
    pub concurrent_steps: usize,
    /// Maximum number of attempts of one step.
    pub tries: u32,
    /// The first pause before a call is repeated.
    pub first_pause: Duration,
    /// The longest pause before a call is repeated.
    pub longest_pause: Duration,
    /// How long a call whose result isn't known may still be carried out.
    pub settle: Duration,
    /// How long a machine may take until it is ready, if its document has no limit.
    pub ready_within: Duration,
    /// The interval between two searches for ranges whose lifetime is over.
    pub check_interval: Duration,
}

impl Default for RangeOptions {
    fn default() -> Self {
        Self {
            concurrent_steps: 32,
            tries: 5,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(30),
            settle: Duration::from_secs(10),
            ready_within: Duration::from_mins(15),
            check_interval: Duration::from_secs(15),
        }
    }
}
