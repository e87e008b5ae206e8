//! Records that the API of Proxmox returns, in the members that Rangehand uses.
//!
//! A member that the API doesn't return, or returns as `null`, is `None`; its value is otherwise the JSON value of the API,
//! because clients see numbers and strings exactly as Proxmox wrote them.

use serde::Deserialize;
use serde_json::Value;

/// A member of a record.
pub type Member = Option<Value>;

/// A virtual machine or a container.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(default)]
pub struct Machine {
    /// Name.
    pub name: Member,
    /// Status, such as `running`.
    pub status: Member,
    /// ID.
    #[serde(rename = "vmid")]
    pub id: Member,
    /// Uptime in seconds.
    pub uptime: Member,
    /// 1 for a template.
    pub template: Member,
    /// Tags, separated by semicolons.
    pub tags: Member,
    /// Resources that it uses.
    #[serde(flatten)]
    pub usage: Usage,
}

/// Resources that a machine uses, and may use.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(default)]
pub struct Usage {
    /// Share of its processors.
    pub cpu: Member,
    /// Number of processors.
    pub cpus: Member,
    /// Bytes of its disk.
    pub disk: Member,
    /// Bytes read from its disk.
    #[serde(rename = "diskread")]
    pub disk_read: Member,
    /// Bytes written to its disk.
    #[serde(rename = "diskwrite")]
    pub disk_written: Member,
    /// Size of its disk in bytes.
    #[serde(rename = "maxdisk")]
    pub disk_size: Member,
    /// Bytes of memory.
    #[serde(rename = "mem")]
    pub memory: Member,
    /// Size of its memory in bytes.
    #[serde(rename = "maxmem")]
    pub memory_size: Member,
    /// Bytes received.
    #[serde(rename = "netin")]
    pub received: Member,
    /// Bytes sent.
    #[serde(rename = "netout")]
    pub sent: Member,
}

/// A snapshot of a machine.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(default)]
pub struct Snapshot {
    /// Name.
    pub name: Member,
    /// Description.
    pub description: Member,
    /// Name of the snapshot before it.
    pub parent: Member,
    /// When it was taken, in seconds since 1970.
    #[serde(rename = "snaptime")]
    pub time: Member,
    /// Checksum of the configuration.
    pub digest: Member,
    /// Whether it has the memory of the machine.
    #[serde(rename = "vmstate")]
    pub has_memory: Member,
}

/// A storage.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(default)]
pub struct Storage {
    /// Name.
    #[serde(rename = "storage")]
    pub name: Member,
    /// Type, such as `dir`.
    #[serde(rename = "type")]
    pub kind: Member,
    /// Whether it can be used now.
    pub active: Member,
    /// Free bytes.
    #[serde(rename = "avail")]
    pub available: Member,
    /// Size in bytes.
    pub total: Member,
    /// Used bytes.
    pub used: Member,
    /// Used share.
    pub used_fraction: Member,
    /// What it may contain, separated by commas.
    pub content: Member,
    /// Whether it is enabled.
    pub enabled: Member,
    /// Whether all nodes share it.
    pub shared: Member,
}

/// A volume of a storage.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(default)]
pub struct Volume {
    /// What it contains.
    pub content: Member,
    /// Format of the file.
    pub format: Member,
    /// When it was created, in seconds since 1970.
    #[serde(rename = "ctime")]
    pub created: Member,
    /// Size in bytes.
    pub size: Member,
    /// ID.
    #[serde(rename = "volid")]
    pub id: Member,
}

/// An alias of a machine's firewall.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(default)]
pub struct FirewallAlias {
    /// Network.
    pub cidr: Member,
    /// Name.
    pub name: Member,
    /// Comment.
    pub comment: Member,
}

/// A rule of a machine's firewall.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(default)]
pub struct FirewallRule {
    /// Action, such as `ACCEPT`.
    pub action: Member,
    /// Direction: `in`, `out` or `group`.
    #[serde(rename = "type")]
    pub direction: Member,
    /// Network interface.
    #[serde(rename = "iface")]
    pub interface: Member,
    /// Source.
    pub source: Member,
    /// Destination.
    #[serde(rename = "dest")]
    pub destination: Member,
    /// Protocol.
    #[serde(rename = "proto")]
    pub protocol: Member,
    /// Destination port.
    #[serde(rename = "dport")]
    pub destination_port: Member,
    /// Source port.
    #[serde(rename = "sport")]
    pub source_port: Member,
    /// Whether it is enabled.
    #[serde(rename = "enable")]
    pub enabled: Member,
    /// Comment.
    pub comment: Member,
    /// Position among the rules.
    #[serde(rename = "pos")]
    pub position: Member,
    /// Log level.
    pub log: Member,
}

/// A network interface of the node.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(default)]
pub struct Interface {
    /// Name.
    #[serde(rename = "iface")]
    pub name: Member,
    /// Whether it is up.
    pub active: Member,
    /// Whether the kernel has it.
    pub exists: Member,
    /// Whether it is brought up at boot.
    pub autostart: Member,
    /// Position in the configuration.
    pub priority: Member,
    /// Forward delay of the bridge.
    #[serde(rename = "bridge_fd")]
    pub forward_delay: Member,
    /// Ports of the bridge.
    #[serde(rename = "bridge_ports")]
    pub ports: Member,
    /// Whether the bridge has a spanning tree.
    #[serde(rename = "bridge_stp")]
    pub spanning_tree: Member,
    /// How it gets its IPv4 address.
    pub method: Member,
    /// How it gets its IPv6 address.
    pub method6: Member,
    /// IPv4 address.
    pub address: Member,
    /// IPv4 address with the length of the prefix.
    pub cidr: Member,
    /// IPv4 gateway.
    pub gateway: Member,
    /// IPv4 netmask.
    pub netmask: Member,
}
