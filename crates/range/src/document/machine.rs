//! Machines, their network interfaces, and how their readiness is determined.

use serde_json::{Value, json};

use super::{Address, Cores, DiskGb, MemoryMb, Name, Need, Port, Role, Span};
use crate::{
    fault::{At, Faults, words},
    read::{Book, Read, object, read_words},
};

words! {
    /// What a machine is made of.
    MachineKind {
        /// A virtual machine or system container with an operating system of its own, from a template.
        Guest = "guest",
        /// A network namespace with an SSH server, for large and light topologies. It has no template.
        Namespace = "namespace",
    }
}

words! {
    /// What is probed to determine whether a machine is ready.
    Probe {
        /// The agent of the platform in the guest.
        Agent = "agent",
        /// A login by SSH.
        Ssh = "ssh",
        /// A login by WinRM.
        Winrm = "winrm",
        /// Nothing: a machine that was started counts as ready.
        None = "none",
    }
}

read_words!(MachineKind, Probe);

object! {
    /// A machine of the range. Its name in the range begins with the name of the instance, if instances have names.
    Machine {
        /// The template on the platform that the machine is made from. Required for a guest.
        template: Option<Name> = None,
        /// What the machine is made of.
        kind: MachineKind = MachineKind::Guest,
        /// What the machine is there for.
        role: Role = Role::Service,
        /// Its network interfaces in order: names of networks, or mappings with a fixed address.
        networks: Vec<Nic> = Vec::new(),
        /// Number of CPU cores. Without it, that of the template.
        cores: Option<Cores> = None,
        /// Memory in MiB, or a text with a unit such as `2GiB`. Without it, that of the template.
        memory_mb: Option<MemoryMb> = None,
        /// Size of the disk in GiB, or a text with a unit. Without it, that of the template.
        disk_gb: Option<DiskGb> = None,
        /// Prerequisites of creating the machine: machines (in stage `ready` unless a stage is given, such as `db.configured`) and
        /// tasks.
        needs: Vec<Need> = Vec::new(),
        /// Inventory groups of the machine, besides those of its networks and its role.
        groups: Vec<Name> = Vec::new(),
        /// What the machine is for.
        description: Option<String> = None,
    }

    /// A network interface with its details.
    NicFields {
        /// The network.
        name: Name,
        /// The fixed address of the machine in the network. Without it an address is assigned.
        address: Option<Address> = None,
    }

    /// How readiness is determined, in detail.
    ReadyFields {
        /// A TCP port that accepts connections when the machine is ready. Not together with `by`.
        tcp: Option<Port> = None,
        /// What is probed.
        by: Option<Probe> = None,
        /// How long it may take.
        within: Option<Span> = None,
    }
}

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nic {
    /// The network.
    pub name: Name,
    /// The fixed address.
    pub address: Option<Address>,
}

impl Machine {
    /// Cores, memory in MiB and disk in GiB that the document asks for.
    #[must_use]
    pub fn asked(&self) -> (Option<u32>, Option<u32>, Option<u32>) {
        (self.cores.map(|n| n.0), self.memory_mb.map(|n| n.0), self.disk_gb.map(|n| n.0))
    }
}

impl Read for Nic {
    fn read(value: &Value, at: &At<'_>, faults: &mut Faults) -> Option<Self> {
        if value.is_object() {
            let NicFields { name, address } = NicFields::read(value, at, faults)?;
            return Some(Self { name, address });
        }
        Name::read(value, at, faults).map(|name| Self { name, address: None })
    }

    fn schema(book: &mut Book) -> Value {
        json!({ "anyOf": [Name::schema(book), NicFields::schema(book)] })
    }
}

impl serde::Serialize for Nic {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.address {
            None => self.name.serialize(serializer),
            address => NicFields { name: self.name.clone(), address }.serialize(serializer),
        }
    }
}

/// How the readiness of a machine is determined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Ready {
    /// A TCP port that accepts connections.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tcp: Option<Port>,
    /// What is probed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by: Option<Probe>,
    /// How long it may take.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub within: Option<Span>,
}

impl Ready {
    /// Is a connection to the machine made? Only the agent of the platform does without.
    #[must_use]
    pub const fn needs_path(&self) -> bool {
        !matches!(self.by, Some(Probe::Agent | Probe::None))
    }
}

impl Read for Ready {
    fn read(value: &Value, at: &At<'_>, faults: &mut Faults) -> Option<Self> {
        if value.is_object() {
            let ReadyFields { tcp, by, within } = ReadyFields::read(value, at, faults)?;
            return Some(Self { tcp, by, within });
        }
        Probe::read(value, at, faults).map(|by| Self { tcp: None, by: Some(by), within: None })
    }

    fn schema(book: &mut Book) -> Value {
        json!({ "anyOf": [Probe::schema(book), ReadyFields::schema(book)] })
    }
}
