//! A difference between records and platform.

use std::fmt;

use serde::Serialize;

/// What kind of difference it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// A recorded network does not exist.
    NetworkMissing,
    /// A network has another subnet.
    NetworkSubnet,
    /// A network with the mark of the range is not recorded.
    NetworkUnknown,
    /// A recorded machine does not exist.
    MachineMissing,
    /// A machine lost its files.
    MachineDamaged,
    /// A machine does not run, though it was started.
    MachineStopped,
    /// A machine runs, though it was stopped.
    MachineRunning,
    /// A machine is of another kind.
    MachineKind,
    /// A machine with the mark of the range is not recorded.
    MachineUnknown,
    /// A network interface is attached to no network of the range, or does not exist.
    NicDetached,
    /// A network interface is attached to another network.
    NicMoved,
    /// A machine has network interfaces that are not recorded.
    NicUnknown,
    /// A network interface has other addresses.
    Address,
    /// The rules of a router were removed.
    RulesMissing,
    /// The rules or routes of a router were changed.
    RulesChanged,
    /// A snapshot was removed.
    SnapshotMissing,
    /// An interrupted call left something.
    Leftover,
}

impl DriftKind {
    /// Every kind, in the order of declaration.
    pub const ALL: &'static [Self] = &[
        Self::NetworkMissing,
        Self::NetworkSubnet,
        Self::NetworkUnknown,
        Self::MachineMissing,
        Self::MachineDamaged,
        Self::MachineStopped,
        Self::MachineRunning,
        Self::MachineKind,
        Self::MachineUnknown,
        Self::NicDetached,
        Self::NicMoved,
        Self::NicUnknown,
        Self::Address,
        Self::RulesMissing,
        Self::RulesChanged,
        Self::SnapshotMissing,
        Self::Leftover,
    ];

    /// The text used in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NetworkMissing => "network_missing",
            Self::NetworkSubnet => "network_subnet",
            Self::NetworkUnknown => "network_unknown",
            Self::MachineMissing => "machine_missing",
            Self::MachineDamaged => "machine_damaged",
            Self::MachineStopped => "machine_stopped",
            Self::MachineRunning => "machine_running",
            Self::MachineKind => "machine_kind",
            Self::MachineUnknown => "machine_unknown",
            Self::NicDetached => "nic_detached",
            Self::NicMoved => "nic_moved",
            Self::NicUnknown => "nic_unknown",
            Self::Address => "address",
            Self::RulesMissing => "rules_missing",
            Self::RulesChanged => "rules_changed",
            Self::SnapshotMissing => "snapshot_missing",
            Self::Leftover => "leftover",
        }
    }
}

impl fmt::Display for DriftKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A difference between records and platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What kind it is.
    pub kind: DriftKind,
    /// The network or the machine by its concrete name; what it is for a leftover.
    pub name: String,
    /// The name of the instance; empty for the only one, and where it is not known.
    pub instance: String,
    /// What is recorded.
    pub recorded: String,
    /// What the platform has.
    pub observed: String,
    /// What a repair does about it.
    pub repair: String,
}

pub(super) fn text(text: &str) -> String {
    text.to_owned()
}
