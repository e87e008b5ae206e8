//! What is asked of a range besides applying a document, and why it can be refused.

use serde::{Deserialize, Serialize};

/// An action on machines that exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "action", deny_unknown_fields)]
pub enum RangeAction {
    /// Starts machines and waits until they are ready; those that others need come first.
    Start,
    /// Stops machines; those that others need come last.
    Stop,
    /// Takes a snapshot of guests.
    Snapshot {
        /// The name of the snapshot.
        snapshot: String,
    },
    /// Makes guests as they were when a snapshot was taken, and starts them.
    Revert {
        /// The name of the snapshot.
        snapshot: String,
    },
    /// Removes a snapshot.
    RemoveSnapshot {
        /// The name of the snapshot.
        snapshot: String,
    },
    /// Sends packets between all machines of an instance.
    Verify,
}

/// Which machines an action is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All machines.
    #[default]
    All,
    /// The machines of an instance.
    Instance(String),
    /// These machines, by their concrete names.
    Machines(Vec<String>),
}

/// Why an action is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    /// No machine has this name.
    #[error("unknown machine `{0}`")]
    UnknownMachine(String),
    /// No machine belongs to this instance.
    #[error("unknown instance `{0}`")]
    UnknownInstance(String),
    /// The name of the snapshot is invalid.
    #[error(
        "`{0}` is not a valid name of a snapshot\nhint: use up to 40 letters, digits, `-` and `_`, beginning with a letter"
    )]
    InvalidName(String),
    /// The machine has no such snapshot.
    #[error("machine `{machine}` has no snapshot `{snapshot}`")]
    UnknownSnapshot {
        /// The machine.
        machine: String,
        /// The snapshot.
        snapshot: String,
    },
    /// No machine of the scope has such a snapshot.
    #[error("no machine has a snapshot `{0}`")]
    NoSnapshot(String),
    /// The machine has no disk.
    #[error("machine `{0}` is of kind `namespace`: it has no disk to take a snapshot of")]
    NoDisk(String),
    /// No machine of the scope is a guest.
    #[error("no machine of the range is of kind `guest`: there is no disk to take a snapshot of")]
    NoGuests,
    /// What the machine was attached to does not exist any more.
    #[error(
        "machine `{machine}` cannot be reverted: its snapshot is attached to network `{network}`, which was removed"
    )]
    NetworkRemoved {
        /// The machine.
        machine: String,
        /// The network.
        network: String,
    },
    /// The address that the machine had belongs to another one.
    #[error(
        "machine `{machine}` cannot be reverted: the address {address} of its snapshot is that of machine `{other}` now"
    )]
    AddressInUse {
        /// The machine.
        machine: String,
        /// The address.
        address: ipnet::IpNet,
        /// The machine that has the address.
        other: String,
    },
}

/// The longest name of a snapshot, in bytes: that of Proxmox.
const MAX_NAME: usize = 40;

/// Checks the name of a snapshot: what all platforms accept.
pub(super) fn check_name(name: &str) -> Result<(), ActionError> {
    let is_valid = name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if is_valid { Ok(()) } else { Err(ActionError::InvalidName(name.escape_debug().to_string())) }
}
