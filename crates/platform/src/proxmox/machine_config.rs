//! The configuration of a virtual machine: its hardware, and the devices that Proxmox keeps as strings such as
//! `virtio=AA:BB:CC:DD:EE:FF,bridge=vmbr0`.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::records::Member;

/// Keys of values that must not be shown. Proxmox itself replaces them with asterisks.
const SECRETS: [&str; 2] = ["cipassword", "password"];
/// Buses that a CD drive can be on.
const DRIVE_BUSES: [&str; 4] = ["ide", "sata", "scsi", "virtio"];

/// The configuration of a virtual machine.
#[derive(Debug, Clone, PartialEq)]
pub struct MachineConfig(Value);

/// Processors and memory.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(default)]
pub struct Hardware {
    /// Type of the processor.
    #[serde(rename = "cpu")]
    pub cpu_type: Member,
    /// Cores per socket.
    pub cores: Member,
    /// Sockets.
    pub sockets: Member,
    /// Memory in MiB.
    pub memory: Member,
}

/// A drive with a CD in it, or an empty one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CdDrive<'a> {
    /// Device, such as `ide2`.
    pub device: &'a str,
    /// ID of the volume in it, or `none`.
    pub volume: &'a str,
    /// Size of the volume.
    pub size: Option<&'a str>,
}

/// A network card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkCard<'a> {
    /// Device, such as `net0`.
    pub device: &'a str,
    /// Model, such as `virtio`.
    pub model: &'a str,
    /// MAC address.
    pub mac: Option<&'a str>,
    /// Bridge that it is connected to.
    pub bridge: Option<&'a str>,
    /// Whether the firewall filters it: `0` or `1`.
    pub firewall: Option<&'a str>,
    /// VLAN.
    pub tag: Option<&'a str>,
}

impl MachineConfig {
    pub(super) const fn new(config: Value) -> Self {
        Self(config)
    }

    /// A value as text; numbers and strings are the same to Proxmox.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        match self.0.get(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// The hard disks with their keys, in the order of the buses.
    pub(super) fn disks(&self) -> Vec<(&str, &str)> {
        let rank = |key: &str| ["scsi", "virtio", "sata", "ide"].iter().position(|bus| key.starts_with(bus));
        let disks = self.members().into_iter().flatten().filter(|(key, _)| is_numbered(key, &DRIVE_BUSES));
        let disks = disks.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)));
        let mut disks: Vec<_> = disks.filter(|(_, value)| !value.contains("media=cdrom")).collect();
        disks.sort_by_key(|(key, _)| (rank(key), *key));
        disks
    }

    /// Is there a drive with the configuration for cloud-init?
    pub(super) fn has_cloud_init(&self) -> bool {
        let drives = self.members().into_iter().flatten().filter(|(key, _)| is_numbered(key, &DRIVE_BUSES));
        drives.filter_map(|(_, value)| value.as_str()).any(|value| value.contains("cloudinit"))
    }

    /// The numbers of keys such as `ipconfig0`.
    pub(super) fn numbers(&self, prefix: &str) -> Vec<usize> {
        let members = self.members().into_iter().flatten();
        members.filter_map(|(key, _)| key.strip_prefix(prefix)?.parse().ok()).collect()
    }

    /// All of it as the API returned it, but for secret values.
    #[must_use]
    pub fn masked(&self) -> Value {
        let mut config = self.0.clone();
        for key in SECRETS {
            if let Some(value) = config.get_mut(key).filter(|value| !value.is_null()) {
                *value = "***".into();
            }
        }
        config
    }

    /// Processors and memory; `None` when the configuration is not an object.
    #[must_use]
    pub fn hardware(&self) -> Option<Hardware> {
        self.members().and_then(|_| serde_json::from_value(self.0.clone()).ok())
    }

    /// The last CD drive, if there is one. The outer `None` says that a drive is not a string.
    #[must_use]
    pub fn cd_drive(&self) -> Option<Option<CdDrive<'_>>> {
        let mut found = None;
        for (device, value) in self.members()?.iter().filter(|(name, _)| is_numbered(name, &DRIVE_BUSES)) {
            let text = value.as_str()?;
            let (volume, rest) = text.split_once(',').unwrap_or((text, ""));
            let rest = options(rest);
            if named(&rest, "media") == Some("cdrom") {
                found = Some(CdDrive { device, volume, size: named(&rest, "size") });
            }
        }
        Some(found)
    }

    /// The network cards, by number; `None` when one is not a string.
    #[must_use]
    pub fn network_cards(&self) -> Option<Vec<NetworkCard<'_>>> {
        let mut devices: Vec<_> =
            self.members()?.iter().filter(|(name, _)| is_numbered(name, &["net"])).collect();
        devices.sort_by_key(|(name, _)| name[3..].parse::<u64>().unwrap_or(u64::MAX));
        devices.into_iter().map(|(device, value)| network_card(device, value.as_str()?)).collect()
    }

    fn members(&self) -> Option<&Map<String, Value>> {
        self.0.as_object()
    }
}

fn network_card<'a>(device: &'a str, text: &'a str) -> Option<NetworkCard<'a>> {
    let options = options(text);
    // `virtio=MAC` or `model=virtio,macaddr=MAC`: Proxmox stores the first and accepts both.
    let (model, mac) = match named(&options, "model") {
        Some(model) => (model, named(&options, "macaddr")),
        None => options.first().map(|(model, mac)| (*model, Some(*mac)))?,
    };
    Some(NetworkCard {
        device,
        model,
        mac: mac.filter(|mac| !mac.is_empty()),
        bridge: named(&options, "bridge"),
        firewall: named(&options, "firewall"),
        tag: named(&options, "tag"),
    })
}

/// The `name=value` options of a device, in order.
fn options(text: &str) -> Vec<(&str, &str)> {
    text.split(',').map(|option| option.split_once('=').unwrap_or((option, ""))).collect()
}

/// The last option of a name counts, as in the role `proxmox_controller`.
fn named<'a>(options: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    options.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

fn is_numbered(device: &str, kinds: &[&str]) -> bool {
    let numbered = |kind: &&str| {
        device
            .strip_prefix(*kind)
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    kinds.iter().any(numbered)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config() -> MachineConfig {
        MachineConfig::new(json!({
            "net10": "e1000=AA,bridge=vmbr1", "net2": "model=virtio,macaddr=BB,bridge=vmbr0,firewall=1",
            "ide2": "local:iso/x.iso,media=cdrom,size=4M", "scsi0": "local-lvm:vm-disk-0,size=32G", "scsihw": "x",
            "cipassword": "secret", "cores": 2, "memory": "4096",
        }))
    }

    #[test]
    fn network_cards_are_read_in_both_spellings_and_sorted_by_number() {
        let config = config();
        let cards = config.network_cards().unwrap();
        let shown: Vec<_> =
            cards.iter().map(|card| (card.device, card.model, card.mac, card.firewall)).collect();
        assert_eq!(shown, [("net2", "virtio", Some("BB"), Some("1")), ("net10", "e1000", Some("AA"), None)]);
        assert_eq!(MachineConfig::new(json!({"net0": 7})).network_cards(), None);
    }

    #[test]
    fn the_cd_drive_is_the_drive_whose_medium_is_a_cd() {
        let config = config();
        let drive = CdDrive { device: "ide2", volume: "local:iso/x.iso", size: Some("4M") };
        assert_eq!(config.cd_drive(), Some(Some(drive)));
        assert_eq!(MachineConfig::new(json!({"scsi0": "a,size=1G"})).cd_drive(), Some(None));
        assert_eq!(MachineConfig::new(json!({"ide0": 1})).cd_drive(), None);
    }

    #[test]
    fn hardware_keeps_the_values_of_the_api_and_passwords_are_masked() {
        let hardware = config().hardware().unwrap();
        assert_eq!((hardware.cores, hardware.memory), (Some(json!(2)), Some(json!("4096"))));
        assert_eq!((hardware.sockets, config().masked()["cipassword"].clone()), (None, json!("***")));
        assert_eq!(MachineConfig::new(Value::Null).hardware(), None);
    }
}
