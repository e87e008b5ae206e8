//! What a platform has of a range, as it is now.

use std::net::IpAddr;

use ipnet::IpNet;
use range::document::{Cidr, MachineKind};
use serde::{Deserialize, Serialize};

/// Everything on the platform that carries the mark of one range.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// Networks, by name.
    pub networks: Vec<ObservedNetwork>,
    /// Machines, by name.
    pub machines: Vec<ObservedMachine>,
    /// Things of the range that are neither: what an interrupted call left.
    pub leftovers: Vec<Leftover>,
    /// An address outside of the range that its uplink leads to, and that answers: the gateway there. `None` if the range has no way
    /// to the outside, or the platform doesn't know such an address.
    #[serde(default)]
    pub outside: Option<IpAddr>,
}

impl Observed {
    /// Is there nothing at all?
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.networks.is_empty() && self.machines.is_empty() && self.leftovers.is_empty()
    }

    /// The network with this name.
    #[must_use]
    pub fn network(&self, name: &str) -> Option<&ObservedNetwork> {
        self.networks.iter().find(|network| network.name == name)
    }

    /// The machine with this name.
    #[must_use]
    pub fn machine(&self, name: &str) -> Option<&ObservedMachine> {
        self.machines.iter().find(|machine| machine.name == name)
    }
}

/// A network as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedNetwork {
    /// Its name in the range.
    pub name: String,
    /// What the platform calls it, unique on the platform: a bridge, a virtual network.
    pub id: String,
    /// The subnet that it was made for.
    pub cidr: Option<Cidr>,
}

/// A machine as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedMachine {
    /// Its name in the range.
    pub name: String,
    /// What the platform calls it, unique on the platform: the number of a virtual machine, a path.
    pub id: String,
    /// What it is made of.
    pub kind: MachineKind,
    /// Is it running?
    pub power: Power,
    /// Its network interfaces, in order.
    pub nics: Vec<ObservedNic>,
    /// Its routes and rules.
    pub rules: RulesState,
    /// Its snapshots, by name.
    pub snapshots: Vec<String>,
    /// What of it was lost, so that it has to be created again.
    pub damage: Option<String>,
}

/// A network interface as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedNic {
    /// The network that it is attached to; `None` if it is attached to none of this range.
    pub network: Option<String>,
    /// Its hardware address.
    pub mac: String,
    /// Its addresses; `None` if the platform doesn't know them, as it can't look into the machine.
    pub addresses: Option<Vec<IpNet>>,
}

impl ObservedNic {
    /// Its addresses; none if the platform doesn't know them.
    #[must_use]
    pub fn known_addresses(&self) -> &[IpNet] {
        self.addresses.as_deref().unwrap_or_default()
    }
}

/// Is a machine running?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Power {
    /// It is running.
    On,
    /// It is not running.
    Off,
}

/// Routes and rules of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RulesState {
    /// The platform set none.
    None,
    /// They are as the platform set them.
    Set,
    /// They were changed since.
    Changed,
}

/// What was left of a thing, and how to remove it by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftover {
    /// What it is.
    pub what: String,
    /// A command or an action that removes it.
    pub remove_by: String,
}
