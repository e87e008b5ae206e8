//! What a platform can do, accepts and has in use.

use ipnet::IpNet;
use range::PlatformRules;
use serde::{Deserialize, Serialize};

/// What a platform can do, accepts and has in use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// What a document may ask of it: names, kinds of machines, templates, limits, pools.
    pub rules: PlatformRules,
    /// What it does beyond networks and machines.
    pub capabilities: Capabilities,
    /// Subnets that others use and that ranges must not.
    pub subnets_in_use: Vec<IpNet>,
    /// The product and its version, if there is one.
    #[serde(default)]
    pub version: Option<String>,
    /// What platforms of this kind can do and this one cannot.
    pub missing: Vec<Missing>,
}

/// Something that does not work on a platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// What does not work, and why.
    pub what: String,
    /// What the operator can do about it.
    pub hint: String,
}

/// What a platform does beyond networks and machines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// It takes snapshots of guests.
    pub snapshots: bool,
    /// It sets routes and rules of routers itself; otherwise a playbook does.
    pub rules: bool,
    /// Ranges can be connected to the outside.
    pub uplink: bool,
}
