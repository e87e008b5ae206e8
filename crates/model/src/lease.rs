//! Leases: subnets, addresses, and numbers that a range holds on its platform. Each is held by at most one range.

use serde::{Deserialize, Serialize};

use crate::text_enum;

text_enum! {
    /// What is leased.
    LeaseKind {
        /// A subnet of a pool of the platform.
        Subnet = "subnet",
        /// An address of a network.
        Address = "address",
        /// The number of a bridge.
        Bridge = "bridge",
        /// The number of a machine.
        VmId = "vm_id",
        /// The number of a VLAN.
        Vlan = "vlan",
    }
}

/// What is leased, as no two ranges have it on one platform.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LeaseKey {
    /// What it is.
    pub kind: LeaseKind,
    /// The pool that it is of, as its platform has it; for addresses the range and its network, because networks of two ranges may have the same
    /// subnet.
    pub pool: String,
    /// The subnet, address or number.
    pub value: String,
}

/// A lease of a range.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RangeLease {
    /// What is leased.
    pub key: LeaseKey,
    /// The machine or network that has it.
    pub name: String,
    /// The first and the last address of a subnet: subnets of one pool must not overlap.
    pub span: Option<(u128, u128)>,
}
