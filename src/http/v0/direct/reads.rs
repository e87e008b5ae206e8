//! The table of direct reads of v0: the action of a route, its API call, and the format of each record.

use platform::proxmox::{
    FirewallAlias, FirewallRule, Interface, Machine, MachineConfig, Member, Snapshot, Storage, Usage, Volume,
    VolumeKind,
};
use serde_json::{Map, Value, json};

/// A read: the action of a route, and its API call.
pub(super) struct Read {
    pub(super) action: &'static str,
    pub(super) call: Call,
}

/// The API call, and the format of its records.
pub(super) enum Call {
    Machines(Start, fn(Machine) -> Row),
    Containers(fn(Machine) -> Row),
    Config(fn(&MachineConfig) -> Option<Row>),
    /// One object for each network card.
    NetworkCards,
    Snapshots(fn(Snapshot) -> Row),
    FirewallAliases(fn(FirewallAlias) -> Row),
    FirewallRules(fn(FirewallRule) -> Row),
    Storages(fn(Storage) -> Row),
    Volumes(VolumeKind, fn(Volume) -> Row),
    Interfaces(fn(Interface) -> Row),
}

/// The fields with which an object starts.
#[derive(Clone, Copy)]
pub(super) enum Start {
    Nothing,
    Node,
    Machine,
    Storage,
}

/// The fields of an object, in order.
pub(super) type Row = Vec<(&'static str, FieldValue)>;

/// The value of a field.
pub(super) enum FieldValue {
    Value(Value),
    /// The field is omitted.
    Omitted,
}

use FieldValue::Omitted;

/// `null` where the API returns nothing.
fn nullable(member: Member) -> FieldValue {
    FieldValue::Value(member.unwrap_or_default())
}

/// Omitted where the API returns nothing.
pub(super) fn optional(member: Member) -> FieldValue {
    member.map_or(Omitted, FieldValue::Value)
}

/// A default where the API returns nothing.
fn or(member: Member, default: impl Into<Value>) -> FieldValue {
    FieldValue::Value(member.unwrap_or_else(|| default.into()))
}

fn usage(usage: Usage) -> Row {
    vec![
        ("cpu_current_usage", nullable(usage.cpu)),
        ("cpu_allocated", nullable(usage.cpus)),
        ("disk_current_usage", nullable(usage.disk)),
        ("disk_read", nullable(usage.disk_read)),
        ("disk_write", nullable(usage.disk_written)),
        ("disk_max", nullable(usage.disk_size)),
        ("ram_current_usage", nullable(usage.memory)),
        ("ram_max", nullable(usage.memory_size)),
        ("net_in", nullable(usage.received)),
        ("net_out", nullable(usage.sent)),
    ]
}

pub(super) const READS: &[Read] = &[
    Read {
        action: "vm_list",
        call: Call::Machines(Start::Node, |vm| {
            vec![
                ("vm_name", nullable(vm.name)),
                ("vm_status", nullable(vm.status)),
                ("vm_id", nullable(vm.id)),
                ("vm_uptime", nullable(vm.uptime)),
                ("vm_template", or(vm.template, 0)),
                ("vm_tags", or(vm.tags, "")),
                ("vm_meta", FieldValue::Value(object(Map::new(), usage(vm.usage)))),
            ]
        }),
    },
    Read {
        action: "vm_list_usage",
        call: Call::Machines(Start::Nothing, |vm| {
            let mut row = vec![
                ("vm_name", nullable(vm.name)),
                ("vm_status", nullable(vm.status)),
                ("vm_id", nullable(vm.id)),
                ("vm_uptime", nullable(vm.uptime)),
            ];
            row.extend(usage(vm.usage));
            row
        }),
    },
    Read {
        action: "vm_get_config",
        call: Call::Config(|config| {
            Some(vec![("raw_data", FieldValue::Value(json!({ "data": config.masked() })))])
        }),
    },
    Read { action: "vm_get_config_cdrom", call: Call::Config(cd_drive) },
    Read {
        action: "vm_get_config_cpu",
        call: Call::Config(|config| {
            let hardware = config.hardware()?;
            Some(vec![
                ("vm_arch", or(hardware.cpu_type, 0)),
                ("vm_cores", or(hardware.cores, 0)),
                ("vm_sockets", or(hardware.sockets, 0)),
            ])
        }),
    },
    Read {
        action: "vm_get_config_ram",
        call: Call::Config(|config| Some(vec![("vm_ram_allocated", or(config.hardware()?.memory, 0))])),
    },
    Read {
        action: "snapshot_vm_list",
        call: Call::Snapshots(|snapshot| {
            vec![
                ("vm_snapshot_description", optional(snapshot.description)),
                ("vm_snapshot_name", optional(snapshot.name)),
                ("vm_snapshot_parent", or(snapshot.parent, "")),
                ("vm_snapshot_time", optional(snapshot.time)),
                ("vm_snapshot_sha1", optional(snapshot.digest)),
                ("vm_snapshot_is_running", optional(snapshot.has_memory)),
            ]
        }),
    },
    Read {
        action: "storage_list",
        call: Call::Storages(|storage| {
            vec![
                ("storage_name", nullable(storage.name)),
                ("storage_type", nullable(storage.kind)),
                ("storage_active", or(storage.active, -1)),
                ("storage_space_available", or(storage.available, -1)),
                ("storage_space_total", or(storage.total, -1)),
                ("storage_space_used", or(storage.used, -1)),
                ("storage_space_used_fraction", or(storage.used_fraction, -1)),
                ("storage_content_types", nullable(storage.content)),
                ("storage_is_enable", or(storage.enabled, -1)),
                ("storage_is_share", or(storage.shared, -1)),
            ]
        }),
    },
    Read {
        action: "storage_list_iso",
        call: Call::Volumes(VolumeKind::Iso, |volume| {
            vec![
                ("iso_content", nullable(volume.content)),
                ("iso_format", nullable(volume.format)),
                ("iso_ctime", nullable(volume.created)),
                ("iso_size", nullable(volume.size)),
                ("iso_vol_id", nullable(volume.id)),
            ]
        }),
    },
    Read {
        action: "storage_list_template",
        call: Call::Volumes(VolumeKind::ContainerTemplate, |volume| {
            vec![
                ("template_content", nullable(volume.content)),
                ("template_format", nullable(volume.format)),
                ("template_ctime", nullable(volume.created)),
                ("template_size", nullable(volume.size)),
                ("template_vol_id", nullable(volume.id)),
            ]
        }),
    },
    Read {
        action: "firewall_vm_list_iptables_alias",
        call: Call::FirewallAliases(|alias| {
            vec![
                ("vm_fw_alias_cidr", optional(alias.cidr)),
                ("vm_fw_alias_name", optional(alias.name)),
                ("vm_fw_comment", optional(alias.comment)),
            ]
        }),
    },
    Read {
        action: "firewall_vm_list_iptables_rule",
        call: Call::FirewallRules(|rule| {
            vec![
                ("vm_fw_action", optional(rule.action)),
                ("vm_fw_type", optional(rule.direction)),
                ("vm_fw_iface", optional(rule.interface)),
                ("vm_fw_source", optional(rule.source)),
                ("vm_fw_dest", optional(rule.destination)),
                ("vm_fw_proto", optional(rule.protocol)),
                ("vm_fw_dport", optional(rule.destination_port)),
                ("vm_fw_sport", optional(rule.source_port)),
                ("vm_fw_enable", optional(rule.enabled)),
                ("vm_fw_comment", optional(rule.comment)),
                ("vm_fw_pos", optional(rule.position)),
                ("vm_fw_log", optional(rule.log)),
            ]
        }),
    },
    Read {
        action: "network_list_interfaces_node",
        call: Call::Interfaces(|interface| {
            vec![
                ("iface", optional(interface.name)),
                ("iface_active", optional(interface.active)),
                ("iface_exists", optional(interface.exists)),
                ("iface_autostart", optional(interface.autostart)),
                ("iface_priority", optional(interface.priority)),
                ("iface_bridge_fd", optional(interface.forward_delay)),
                ("iface_bridge_ports", optional(interface.ports)),
                ("iface_bridge_stp", optional(interface.spanning_tree)),
                ("ip_settings_method", optional(interface.method)),
                ("ip_settings_method6", optional(interface.method6)),
                ("ip_settings_address", optional(interface.address)),
                ("ip_settings_cidr", optional(interface.cidr)),
                ("ip_settings_gateway", optional(interface.gateway)),
                ("ip_settings_netmask", optional(interface.netmask)),
            ]
        }),
    },
    Read { action: "network_list_interfaces_vm", call: Call::NetworkCards },
    Read {
        action: "lxc_list",
        call: Call::Containers(|container| {
            vec![
                ("lxc_name", nullable(container.name)),
                ("lxc_status", nullable(container.status)),
                ("vm_id", nullable(container.id)),
                ("lxc_uptime", nullable(container.uptime)),
                ("lxc_meta", FieldValue::Value(object(Map::new(), usage(container.usage)))),
            ]
        }),
    },
];

impl Call {
    pub(super) const fn start(&self) -> Start {
        match self {
            Self::Machines(start, _) => *start,
            Self::Containers(_) | Self::Storages(_) | Self::Interfaces(_) => Start::Node,
            Self::Config(_)
            | Self::NetworkCards
            | Self::Snapshots(_)
            | Self::FirewallAliases(_)
            | Self::FirewallRules(_) => Start::Machine,
            Self::Volumes(..) => Start::Storage,
        }
    }
}

pub(super) fn object(mut members: Map<String, Value>, row: Row) -> Value {
    for (name, shown) in row {
        if let FieldValue::Value(value) = shown {
            members.insert(name.into(), value);
        }
    }
    members.into()
}

fn cd_drive(config: &MachineConfig) -> Option<Row> {
    let drive = config.cd_drive()?;
    let text = |text: Option<&str>| FieldValue::Value(text.into());
    Some(vec![
        ("vm_cdrom_device", text(drive.map(|drive| drive.device))),
        ("vm_cdrom_iso", text(drive.map(|drive| drive.volume))),
        ("vm_cdrom_media", text(drive.map(|_| "cdrom"))),
        ("vm_cdrom_size", text(drive.and_then(|drive| drive.size))),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_that_the_api_does_not_return_are_null_omitted_or_a_default_as_the_role_shows_them() {
        let row = vec![
            ("a", nullable(None)),
            ("b", optional(None)),
            ("c", or(None, -1)),
            ("d", or(Some(json!("7")), 0)),
        ];
        assert_eq!(object(Map::new(), row).to_string(), r#"{"a":null,"c":-1,"d":"7"}"#);
    }
}
