//! Reads without Ansible: the same answers to the byte, from Proxmox itself.
//!
//! A row says what is asked for and how the answer is shaped; the shapes are those of the role `proxmox_controller`.
//! Whatever goes otherwise than well is left to Ansible, which then tells it in its own words.

use engine::Engine;
use model::ContentRef;
use serde_json::{Map, Value, json};

use super::route::Plan;

/// One read.
struct Read {
    action: &'static str,
    path: Path,
    shape: Shape,
}

/// Where the API has it, below the node.
enum Path {
    Node(&'static [&'static str]),
    Machine(&'static [&'static str]),
    /// The content of the storage that the request names.
    Storage {
        content: &'static str,
    },
}

/// How the answer is shaped.
enum Shape {
    /// One object for each of a list.
    Rows {
        origin: Origin,
        fields: &'static [Member],
        missing: Missing,
    },
    /// One object.
    Row(&'static [Member]),
    /// The answer as it is.
    Raw,
    Cdrom,
    Nics,
}

/// What an object begins with.
enum Origin {
    Nothing,
    Node,
    Machine,
    Storage,
}

/// What becomes of what the API does not give.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Null,
    LeftOut,
}

/// A member of an object: our name, and where its value comes from.
type Member = (&'static str, From);

enum From {
    Key(&'static str),
    /// With what stands for it where it is missing or null.
    Number(&'static str, i64),
    Text(&'static str, &'static str),
    Object(&'static [Member]),
    /// No member, but these of the same object.
    Beside(&'static [Member]),
}

use From::{Beside, Key, Number, Object, Text};

const USAGE: &[Member] = &[
    ("cpu_current_usage", Key("cpu")),
    ("cpu_allocated", Key("cpus")),
    ("disk_current_usage", Key("disk")),
    ("disk_read", Key("diskread")),
    ("disk_write", Key("diskwrite")),
    ("disk_max", Key("maxdisk")),
    ("ram_current_usage", Key("mem")),
    ("ram_max", Key("maxmem")),
    ("net_in", Key("netin")),
    ("net_out", Key("netout")),
];

const fn rows(origin: Origin, fields: &'static [Member]) -> Shape {
    Shape::Rows { origin, fields, missing: Missing::Null }
}

const fn present(origin: Origin, fields: &'static [Member]) -> Shape {
    Shape::Rows { origin, fields, missing: Missing::LeftOut }
}

const READS: &[Read] = &[
    Read {
        action: "vm_list",
        path: Path::Node(&["qemu"]),
        shape: rows(
            Origin::Node,
            &[
                ("vm_name", Key("name")),
                ("vm_status", Key("status")),
                ("vm_id", Key("vmid")),
                ("vm_uptime", Key("uptime")),
                ("vm_template", Number("template", 0)),
                ("vm_tags", Text("tags", "")),
                ("vm_meta", Object(USAGE)),
            ],
        ),
    },
    Read {
        action: "vm_list_usage",
        path: Path::Node(&["qemu"]),
        shape: rows(
            Origin::Nothing,
            &[
                ("vm_name", Key("name")),
                ("vm_status", Key("status")),
                ("vm_id", Key("vmid")),
                ("vm_uptime", Key("uptime")),
                ("", Beside(USAGE)),
            ],
        ),
    },
    Read { action: "vm_get_config", path: Path::Machine(&["config"]), shape: Shape::Raw },
    Read { action: "vm_get_config_cdrom", path: Path::Machine(&["config"]), shape: Shape::Cdrom },
    Read {
        action: "vm_get_config_cpu",
        path: Path::Machine(&["config"]),
        shape: Shape::Row(&[
            ("vm_arch", Number("cpu", 0)),
            ("vm_cores", Number("cores", 0)),
            ("vm_sockets", Number("sockets", 0)),
        ]),
    },
    Read {
        action: "vm_get_config_ram",
        path: Path::Machine(&["config"]),
        shape: Shape::Row(&[("vm_ram_allocated", Number("memory", 0))]),
    },
    Read {
        action: "snapshot_vm_list",
        path: Path::Machine(&["snapshot"]),
        shape: present(
            Origin::Machine,
            &[
                ("vm_snapshot_description", Key("description")),
                ("vm_snapshot_name", Key("name")),
                ("vm_snapshot_parent", Text("parent", "")),
                ("vm_snapshot_time", Key("snaptime")),
                ("vm_snapshot_sha1", Key("digest")),
                ("vm_snapshot_is_running", Key("vmstate")),
            ],
        ),
    },
    Read {
        action: "storage_list",
        path: Path::Node(&["storage"]),
        shape: rows(
            Origin::Node,
            &[
                ("storage_name", Key("storage")),
                ("storage_type", Key("type")),
                ("storage_active", Number("active", -1)),
                ("storage_space_available", Number("avail", -1)),
                ("storage_space_total", Number("total", -1)),
                ("storage_space_used", Number("used", -1)),
                ("storage_space_used_fraction", Number("used_fraction", -1)),
                ("storage_content_types", Key("content")),
                ("storage_is_enable", Number("enabled", -1)),
                ("storage_is_share", Number("shared", -1)),
            ],
        ),
    },
    Read {
        action: "storage_list_iso",
        path: Path::Storage { content: "iso" },
        shape: rows(
            Origin::Storage,
            &[
                ("iso_content", Key("content")),
                ("iso_format", Key("format")),
                ("iso_ctime", Key("ctime")),
                ("iso_size", Key("size")),
                ("iso_vol_id", Key("volid")),
            ],
        ),
    },
    Read {
        action: "storage_list_template",
        path: Path::Storage { content: "vztmpl" },
        shape: rows(
            Origin::Storage,
            &[
                ("template_content", Key("content")),
                ("template_format", Key("format")),
                ("template_ctime", Key("ctime")),
                ("template_size", Key("size")),
                ("template_vol_id", Key("volid")),
            ],
        ),
    },
    Read {
        action: "firewall_vm_list_iptables_alias",
        path: Path::Machine(&["firewall", "aliases"]),
        shape: present(
            Origin::Machine,
            &[
                ("vm_fw_alias_cidr", Key("cidr")),
                ("vm_fw_alias_name", Key("name")),
                ("vm_fw_comment", Key("comment")),
            ],
        ),
    },
    Read {
        action: "firewall_vm_list_iptables_rule",
        path: Path::Machine(&["firewall", "rules"]),
        shape: present(
            Origin::Machine,
            &[
                ("vm_fw_action", Key("action")),
                ("vm_fw_type", Key("type")),
                ("vm_fw_iface", Key("iface")),
                ("vm_fw_source", Key("source")),
                ("vm_fw_dest", Key("dest")),
                ("vm_fw_proto", Key("proto")),
                ("vm_fw_dport", Key("dport")),
                ("vm_fw_sport", Key("sport")),
                ("vm_fw_enable", Key("enable")),
                ("vm_fw_comment", Key("comment")),
                ("vm_fw_pos", Key("pos")),
                ("vm_fw_log", Key("log")),
            ],
        ),
    },
    Read {
        action: "network_list_interfaces_node",
        path: Path::Node(&["network"]),
        shape: present(
            Origin::Node,
            &[
                ("iface", Key("iface")),
                ("iface_active", Key("active")),
                ("iface_exists", Key("exists")),
                ("iface_autostart", Key("autostart")),
                ("iface_priority", Key("priority")),
                ("iface_bridge_fd", Key("bridge_fd")),
                ("iface_bridge_ports", Key("bridge_ports")),
                ("iface_bridge_stp", Key("bridge_stp")),
                ("ip_settings_method", Key("method")),
                ("ip_settings_method6", Key("method6")),
                ("ip_settings_address", Key("address")),
                ("ip_settings_cidr", Key("cidr")),
                ("ip_settings_gateway", Key("gateway")),
                ("ip_settings_netmask", Key("netmask")),
            ],
        ),
    },
    Read { action: "network_list_interfaces_vm", path: Path::Machine(&["config"]), shape: Shape::Nics },
    Read {
        action: "lxc_list",
        path: Path::Node(&["lxc"]),
        shape: rows(
            Origin::Node,
            &[
                ("lxc_name", Key("name")),
                ("lxc_status", Key("status")),
                ("vm_id", Key("vmid")),
                ("lxc_uptime", Key("uptime")),
                ("lxc_meta", Object(USAGE)),
            ],
        ),
    },
];

/// The action of a route and its result as Proxmox itself tells it; `None` when Ansible is to be asked.
pub(super) async fn result(
    engine: &Engine,
    plan: &Plan,
    generic: &ContentRef,
    values: &Map<String, Value>,
) -> Option<(&'static str, Value)> {
    let Plan::Action { action, .. } = plan else { return None };
    let read = READS.iter().find(|read| read.action == *action)?;
    let request = Request::new(read, values)?;
    if !engine.reads_directly(generic).await {
        return None;
    }
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    match engine.proxmox_get(request.node, &path, &request.query).await {
        Ok(data) => Some((read.action, request.shaped(read, &data)?)),
        Err(error) => {
            tracing::debug!(
                error = error.in_full(),
                action,
                "Proxmox could not be queried; running Ansible instead"
            );
            None
        }
    }
}

/// What is asked for with these values.
struct Request<'a> {
    node: &'a str,
    machine: Option<&'a str>,
    storage: Option<&'a str>,
    path: Vec<String>,
    query: Vec<(&'static str, &'static str)>,
}

impl<'a> Request<'a> {
    /// `None` when a value is missing that Ansible may know from elsewhere.
    fn new(read: &Read, values: &'a Map<String, Value>) -> Option<Self> {
        let text = |name: &str| values.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let (node, machine, storage) = (text("proxmox_node")?, text("vm_id"), text("storage_name"));
        let mut path = vec!["nodes".to_owned(), node.to_owned()];
        let mut query = Vec::new();
        match &read.path {
            Path::Node(rest) => path.extend(rest.iter().map(|part| (*part).to_owned())),
            Path::Machine(rest) => {
                path.extend(["qemu".to_owned(), machine?.to_owned()]);
                path.extend(rest.iter().map(|part| (*part).to_owned()));
            }
            Path::Storage { content } => {
                path.extend(["storage".to_owned(), storage?.to_owned(), "content".to_owned()]);
                query.push(("content", *content));
            }
        }
        Some(Self { node, machine, storage, path, query })
    }

    fn shaped(&self, read: &Read, data: &Value) -> Option<Value> {
        let begun = |origin: &Origin| self.origin(read.action, origin);
        match &read.shape {
            Shape::Rows { origin, fields, missing } => {
                // No list at all is an empty one for the role.
                let items = if data.is_null() { &[][..] } else { data.as_array()? };
                items.iter().map(|item| row(item.as_object()?, fields, begun(origin), *missing)).collect()
            }
            Shape::Row(fields) => row(data.as_object()?, fields, begun(&Origin::Machine), Missing::Null),
            Shape::Raw => {
                let mut found = begun(&Origin::Machine);
                found.insert("raw_data".into(), json!({ "data": hidden(data) }));
                Some(found.into())
            }
            Shape::Cdrom => {
                let mut found = begun(&Origin::Machine);
                found.extend(cdrom(data.as_object()?)?);
                Some(found.into())
            }
            Shape::Nics => nics(data.as_object()?, &begun(&Origin::Machine)),
        }
    }

    fn origin(&self, action: &str, origin: &Origin) -> Map<String, Value> {
        let mut begun = Map::new();
        if matches!(origin, Origin::Nothing) {
            return begun;
        }
        begun.insert("action".into(), action.into());
        begun.insert("source".into(), "proxmox".into());
        begun.insert("proxmox_node".into(), self.node.into());
        match origin {
            Origin::Machine => begun.insert("vm_id".into(), self.machine.into()),
            Origin::Storage => begun.insert("storage_name".into(), self.storage.into()),
            Origin::Nothing | Origin::Node => None,
        };
        begun
    }
}

/// The parts of a configuration that the role hides, too. Proxmox itself answers stars for them.
fn hidden(config: &Value) -> Value {
    let mut config = config.clone();
    for part in ["cipassword", "password"] {
        if let Some(value) = config.get_mut(part).filter(|value| !value.is_null()) {
            *value = "***".into();
        }
    }
    config
}

fn row(
    item: &Map<String, Value>,
    fields: &[Member],
    begun: Map<String, Value>,
    missing: Missing,
) -> Option<Value> {
    let mut found = begun;
    for (name, from) in fields {
        let given = |key: &str| item.get(key).filter(|value| !value.is_null()).cloned();
        let value = match from {
            Key(key) => given(key),
            Number(key, default) => Some(given(key).unwrap_or_else(|| (*default).into())),
            Text(key, default) => Some(given(key).unwrap_or_else(|| (*default).into())),
            Object(fields) => Some(row(item, fields, Map::new(), missing)?),
            Beside(fields) => {
                if let Value::Object(more) = row(item, fields, Map::new(), missing)? {
                    found.extend(more);
                }
                continue;
            }
        };
        match (value, missing) {
            (Some(value), _) => found.insert((*name).into(), value),
            (None, Missing::Null) => found.insert((*name).into(), Value::Null),
            (None, Missing::LeftOut) => None,
        };
    }
    Some(found.into())
}

/// `name=value` parts of a device, in their order.
fn parts(text: &str) -> Vec<(&str, &str)> {
    text.split(',').map(|part| part.split_once('=').unwrap_or((part, ""))).collect()
}

fn named<'a>(parts: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    // The last one counts, as in the role.
    parts.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

fn is_numbered(device: &str, kinds: &[&str]) -> bool {
    let numbered = |kind: &&str| {
        device
            .strip_prefix(*kind)
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    kinds.iter().any(numbered)
}

/// The last drive with a CD; `None` when a device is no text.
fn cdrom(config: &Map<String, Value>) -> Option<Map<String, Value>> {
    let mut found = [Value::Null, Value::Null, Value::Null, Value::Null];
    for (device, value) in
        config.iter().filter(|(name, _)| is_numbered(name, &["ide", "sata", "scsi", "virtio"]))
    {
        let text = value.as_str()?;
        let (volume, rest) = text.split_once(',').unwrap_or((text, ""));
        let rest = parts(rest);
        if named(&rest, "media") == Some("cdrom") {
            found = [device.as_str().into(), volume.into(), "cdrom".into(), named(&rest, "size").into()];
        }
    }
    let names = ["vm_cdrom_device", "vm_cdrom_iso", "vm_cdrom_media", "vm_cdrom_size"];
    Some(names.into_iter().map(str::to_owned).zip(found).collect())
}

/// The network devices, by number; `None` when one is no text.
fn nics(config: &Map<String, Value>, begun: &Map<String, Value>) -> Option<Value> {
    let mut devices: Vec<_> = config.iter().filter(|(name, _)| is_numbered(name, &["net"])).collect();
    devices.sort_by_key(|(name, _)| name[3..].parse::<u64>().unwrap_or(u64::MAX));
    devices
        .into_iter()
        .map(|(device, value)| {
            let parts = parts(value.as_str()?);
            // `virtio=MAC` or `model=virtio,macaddr=MAC`: Proxmox stores the first and takes both.
            let (model, mac) = match named(&parts, "model") {
                Some(model) => (model, named(&parts, "macaddr")),
                None => parts.first().map(|(model, mac)| (*model, Some(*mac)))?,
            };
            let mut nic = begun.clone();
            nic.insert("vm_network_device".into(), device.as_str().into());
            nic.insert("vm_network_type".into(), model.into());
            nic.insert("vm_network_mac".into(), mac.filter(|mac| !mac.is_empty()).into());
            nic.insert("vm_network_bridge".into(), named(&parts, "bridge").into());
            if let Some(firewall) = named(&parts, "firewall") {
                nic.insert("vm_network_firewall".into(), firewall.into());
            }
            Some(Value::Object(nic))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::v0::{route::Access, rows};

    #[test]
    fn every_route_that_only_reads_machines_is_a_read() {
        let actions: Vec<&str> = rows::all()
            .filter(|route| route.access == Access::VIEWER)
            .filter_map(|route| match &route.plan {
                Plan::Action { action, .. } => Some(*action),
                _ => None,
            })
            .collect();
        let reads: Vec<&str> = READS.iter().map(|read| read.action).collect();
        for action in &actions {
            assert!(reads.contains(action), "{action}");
        }
        assert_eq!(actions.len(), reads.len());
    }

    #[test]
    fn devices_are_read_as_the_role_reads_them() {
        let config = json!({
            "net10": "e1000=AA,bridge=vmbr1", "net2": "model=virtio,macaddr=BB,bridge=vmbr0,firewall=1",
            "ide2": "local:iso/x.iso,media=cdrom,size=4M", "scsi0": "local-lvm:vm-disk-0,size=32G", "scsihw": "x",
        });
        let config = config.as_object().expect("an object");
        let nics = nics(config, &Map::new()).expect("texts");
        assert_eq!(nics[0]["vm_network_device"], "net2");
        assert_eq!(
            (&nics[1]["vm_network_type"], &nics[1]["vm_network_mac"]),
            (&json!("e1000"), &json!("AA"))
        );
        assert!(nics[1].get("vm_network_firewall").is_none());
        assert_eq!(cdrom(config).expect("texts")["vm_cdrom_iso"], "local:iso/x.iso");
    }
}
