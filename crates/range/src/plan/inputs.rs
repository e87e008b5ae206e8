//! What a plan is made with besides the desired and the recorded state.

use serde::{Deserialize, Serialize};

use super::estimates::Estimates;
use crate::platform_rules::PlatformRules;

/// Prices per hour in millionths of the currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prices {
    /// The currency, such as `EUR`.
    pub currency: String,
    /// Of a CPU core.
    pub core: u64,
    /// Of a GiB of memory.
    pub memory_gb: u64,
    /// Of a GiB of disk.
    pub disk_gb: u64,
}

/// What a plan is made with besides the desired and the recorded state.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// What the platform accepts.
    pub rules: &'a PlatformRules,
    /// How long steps took on the platform.
    pub estimates: &'a Estimates,
    /// The price list, if there is one.
    pub prices: Option<&'a Prices>,
}
