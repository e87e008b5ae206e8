//! Platforms: where the machines of ranges exist.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A platform
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Platform {
    /// Its name in the settings, which documents use
    pub name: String,
    /// Its kind, such as `simulated` or `local`
    pub kind: String,
}

/// All platforms of the settings
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Platforms {
    /// All platforms, by name
    pub items: Vec<Platform>,
}

/// A platform, and what it accepts and provides
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlatformDetail {
    /// Its name in the settings, which documents use
    pub name: String,
    /// Its kind, such as `simulated` or `local`
    pub kind: String,
    /// Product and version, such as `Proxmox VE 9.0.10`; null where there is none
    pub version: Option<String>,
    /// Whether it takes snapshots of guests
    pub snapshots: bool,
    /// Whether it sets routes and rules of routers itself; otherwise a playbook does
    pub rules: bool,
    /// Whether ranges can be connected to the outside
    pub uplink: bool,
    /// What it accepts: names and kinds of machines, templates, limits, and the pool of subnets
    pub accepts: Map<String, Value>,
    /// Subnets that others use and that ranges can't use
    pub subnets_in_use: Vec<String>,
    /// What platforms of this kind can do and this one can't, such as guests, an uplink, or privileges of an API token
    pub missing: Vec<MissingFeature>,
}

/// Something that doesn't work on a platform
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MissingFeature {
    /// What doesn't work, and why
    pub what: String,
    /// What the operator can do about it
    pub hint: String,
}
