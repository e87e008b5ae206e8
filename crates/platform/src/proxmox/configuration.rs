//! The configuration that a machine is to have, and what differs from it.

use ipnet::IpNet;
use range::expand::spec::MachineSpec;

use super::{
    machine_config::{MachineConfig, NetworkCard},
    mark::{self, Description},
};
use crate::{owner::Owner, wanted::MachineWanted};

/// The user that cloud-init creates the keys for.
pub(super) const USER: &str = "root";

/// The configuration of an interface whose addresses come from DHCP.
pub(super) const DHCP: &str = "ip=dhcp";

/// What a machine is to be configured from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) owner: &'a Owner,
    pub(super) wanted: &'a MachineWanted,
    /// The bridge of each network interface.
    pub(super) bridges: &'a [String],
    /// The storage for a drive for cloud-init, if the machine has none.
    pub(super) storage: &'a str,
}

/// A change of a configuration; empty if there is nothing to change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) set: Vec<(String, String)>,
    pub(super) delete: Vec<String>,
}

impl Changes {
    pub(super) const fn is_empty(&self) -> bool {
        self.set.is_empty() && self.delete.is_empty()
    }

    /// The parameters of the call.
    pub(super) fn form(&self, digest: Option<String>) -> Vec<(String, String)> {
        let mut form = self.set.clone();
        if !self.delete.is_empty() {
            form.push(("delete".to_owned(), self.delete.join(",")));
        }
        // Proxmox rejects the change if the configuration was changed since it was read.
        form.extend(digest.map(|digest| ("digest".to_owned(), digest)));
        form
    }
}

/// What to change so that a configuration is as wanted.
pub(super) fn changes(config: &MachineConfig, target: Target<'_>) -> Changes {
    let (owner, spec) = (target.owner, &*target.wanted.spec);
    let mut changes = Changes::default();
    let mut set = |key: &str, value: String, is_right: bool| {
        if !is_right {
            changes.set.push((key.to_owned(), value));
        }
    };
    let current = |key: &str| config.text(key);
    let mut exact = |key: &str, value: String| {
        let is_right = current(key).as_ref() == Some(&value);
        set(key, value, is_right);
    };
    exact("name", spec.name.clone());
    exact("ciuser", USER.to_owned());
    exact("ciupgrade", "0".to_owned());
    if let Some(cores) = spec.cores {
        exact("cores", cores.to_string());
        if current("sockets").is_some() {
            exact("sockets", "1".to_owned());
        }
    }
    if let Some(memory) = spec.memory_mb {
        exact("memory", memory.to_string());
    }
    if !target.wanted.login.authorized_keys.is_empty() {
        exact("sshkeys", encoded_keys(&target.wanted.login.authorized_keys));
    }
    let gateway = gateway_nic(spec);
    for (at, nic) in spec.nics.iter().enumerate() {
        exact(&format!("ipconfig{at}"), ip_config(nic.address, spec.gateway.filter(|_| gateway == Some(at))));
    }
    let tags = current("tags").unwrap_or_default();
    set("tags", with_tags(owner, &tags), has_tags(owner, &tags));
    let found = current("description").map(|text| Description::parse(&text)).unwrap_or_default();
    let description = Description {
        mark: owner.to_string(),
        template: spec.template.clone().unwrap_or_default(),
        rules: found.rules.clone(),
    };
    set("description", description.text(), found == description);
    set("agent", "enabled=1".to_owned(), current("agent").is_some_and(|agent| is_agent_on(&agent)));
    if !config.has_cloud_init() {
        set("ide2", format!("{}:cloudinit", target.storage), false);
    }
    let cards = config.network_cards().unwrap_or_default();
    for (at, bridge) in target.bridges.iter().enumerate() {
        let (device, mac) = (format!("net{at}"), mark::mac(owner, &spec.name, at));
        let is_right = cards.iter().any(|card| card.device == device && is_card(card, &mac, bridge));
        set(&device, format!("virtio={mac},bridge={bridge}"), is_right);
    }
    changes.delete = ["net", "ipconfig"]
        .iter()
        .flat_map(|key| config.numbers(key).into_iter().map(move |number| (key, number)))
        .filter(|(_, number)| *number >= spec.nics.len())
        .map(|(key, number)| format!("{key}{number}"))
        .collect();
    changes
}

fn is_card(card: &NetworkCard<'_>, mac: &str, bridge: &str) -> bool {
    card.mac.is_some_and(|found| found.eq_ignore_ascii_case(mac))
        && card.bridge == Some(bridge)
        && card.tag.is_none()
}

fn has_tags(owner: &Owner, text: &str) -> bool {
    [mark::TAG.to_owned(), mark::tag(owner)].iter().all(|tag| mark::tags(text).any(|found| found == tag))
}

/// The tags of the machine, which users may have added to, with those of Rangehand.
fn with_tags(owner: &Owner, text: &str) -> String {
    let own = [mark::TAG.to_owned(), mark::tag(owner)];
    let others = mark::tags(text).filter(|tag| own.iter().all(|own| own != tag)).map(str::to_owned);
    others.chain(own.clone()).collect::<Vec<_>>().join(";")
}

/// `1`, `enabled=1`, and either with further options.
fn is_agent_on(text: &str) -> bool {
    text.split(',').any(|option| matches!(option, "1" | "enabled=1"))
}

/// The network interface through which the gateway is reached.
fn gateway_nic(spec: &MachineSpec) -> Option<usize> {
    let gateway = spec.gateway?;
    spec.nics.iter().position(|nic| nic.address.is_some_and(|net| net.contains(&gateway)))
}

/// Addresses for cloud-init. The uplink assigns its own.
fn ip_config(address: Option<IpNet>, gateway: Option<std::net::IpAddr>) -> String {
    let Some(address) = address else { return DHCP.to_owned() };
    let (ip, gw) = if address.addr().is_ipv4() { ("ip", "gw") } else { ("ip6", "gw6") };
    let gateway = gateway.map(|gateway| format!(",{gw}={gateway}")).unwrap_or_default();
    format!("{ip}={address}{gateway}")
}

/// The address in a configuration for cloud-init.
pub(super) fn address_of(ip_config: &str) -> Option<IpNet> {
    let options = ip_config.split(',').filter_map(|option| option.split_once('='));
    options.filter(|(key, _)| matches!(*key, "ip" | "ip6")).find_map(|(_, value)| value.parse().ok())
}

/// Keys as Proxmox stores them: percent-encoded as by `encodeURIComponent`, one per line. A form encodes them once more.
fn encoded_keys(keys: &[String]) -> String {
    let keys: Vec<&str> = keys.iter().map(|key| key.trim()).collect();
    let mut text = String::new();
    for byte in keys.join("\n").bytes() {
        match byte {
            b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b'-'
            | b'_'
            | b'.'
            | b'!'
            | b'~'
            | b'*'
            | b'\''
            | b'('
            | b')' => {
                text.push(byte.into());
            }
            _ => text += &format!("%{byte:02X}"),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use range::{document::MachineKind, expand::spec::NicSpec};
    use serde_json::{Value, json};

    use super::*;
    use crate::wanted::Login;

    fn spec() -> MachineSpec {
        let nic = |network: &str, address: Option<&str>| NicSpec {
            network: network.to_owned(),
            address: address.map(|address| address.parse().unwrap()),
        };
        MachineSpec {
            name: "web".to_owned(),
            instance: String::new(),
            machine: "web".to_owned(),
            kind: MachineKind::Guest,
            template: Some("debian-12".to_owned()),
            role: range::document::Role::Service,
            cores: Some(2),
            memory_mb: None,
            disk_gb: None,
            nics: vec![nic("dmz", Some("10.0.1.10/24")), nic("uplink", None)],
            gateway: Some("10.0.1.1".parse().unwrap()),
            upstream: None,
            groups: Vec::new(),
            ready: None,
            needs: Vec::new(),
        }
    }

    fn found(config: Value) -> Changes {
        let owner = Owner::new("main", "r").unwrap();
        let keys = vec!["ssh-ed25519 AAAA+/= ann@example\n".to_owned()];
        let wanted = MachineWanted { spec: Arc::new(spec()), login: Login { authorized_keys: keys } };
        let bridges = ["rabc".to_owned(), "vmbr0".to_owned()];
        let target = Target { owner: &owner, wanted: &wanted, bridges: &bridges, storage: "local-lvm" };
        changes(&MachineConfig::new(config), target)
    }

    #[test]
    fn a_clone_gets_all_of_its_configuration_and_a_right_machine_none() {
        let clone = json!({
            "name": "web.rh-0", "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0", "net5": "virtio=BC:24:11:00:00:02,bridge=vmbr0",
            "ipconfig5": "ip=dhcp", "scsi0": "local-lvm:base-1,size=4G", "tags": "lab", "cores": 2,
        });
        let changes = found(clone.clone());
        let mut right = clone;
        for (key, value) in &changes.set {
            right[key] = json!(value);
        }
        assert_eq!(right["ipconfig0"], "ip=10.0.1.10/24,gw=10.0.1.1");
        assert_eq!(right["ipconfig1"], "ip=dhcp");
        assert_eq!(right["tags"], "lab;rangehand;rangehand.main.r");
        assert_eq!(right["ide2"], "local-lvm:cloudinit");
        assert_eq!(right["sshkeys"], "ssh-ed25519%20AAAA%2B%2F%3D%20ann%40example");
        assert_eq!(changes.delete, ["net5", "ipconfig5"]);
        for key in &changes.delete {
            right.as_object_mut().unwrap().remove(key);
        }
        // Proxmox reports a number, and ends a description with a line feed.
        right["cores"] = json!(2);
        right["description"] = format!("{}\n", right["description"].as_str().unwrap()).into();
        right["net1"] = json!(format!("{},firewall=1", right["net1"].as_str().unwrap()));
        assert_eq!(found(right.clone()), Changes::default());
        right["net0"] = json!("virtio=02:00:00:00:00:01,bridge=vmbr9");
        assert_eq!(found(right).set.len(), 1);
    }

    #[test]
    fn addresses_are_read_as_they_are_written() {
        for address in ["10.0.1.10/24", "fd00::5/64"] {
            let address: IpNet = address.parse().unwrap();
            assert_eq!(address_of(&ip_config(Some(address), None)), Some(address));
        }
        assert_eq!(address_of("ip=dhcp"), None);
    }
}
