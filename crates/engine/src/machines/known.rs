//! Proxmox API hosts and credentials of inventories, read without Ansible.
//!
//! The credentials belong to the hosts of the group `proxmox`.

use std::{collections::BTreeSet, sync::Arc};

use content::inventory::{self, Inventory, Source, Value};
use platform::proxmox::Credentials;
use secrecy::{ExposeSecret, SecretString};

use super::error::ProxmoxError;

/// The group of Proxmox API hosts.
const GROUP: &str = "proxmox";
/// The variable that contains the address of the API.
const API_HOST: &str = "proxmox_api_host";
/// The variable that contains the name of the node.
const NODE_VARIABLE: &str = "proxmox_node";
/// The variable that selects a role other than the bundled one.
const ROLE: &str = "proxmox_controller_role";
/// Defaults of the reference service.
const NODE: &str = "pve01";
const USER: &str = "root@pam";

/// The Proxmox data of an inventory.
#[derive(Debug)]
pub(super) struct ProxmoxHosts {
    /// The hosts of the group, in file order.
    pub(super) hosts: Vec<Host>,
    /// The API hosts of all hosts, and of the vault file.
    pub(super) api_hosts: BTreeSet<String>,
    /// Whether a role other than the bundled one is selected.
    pub(super) names_a_role: bool,
}

/// A host of the group.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) name: String,
    /// The `proxmox_node` that the inventory sets for this host, regardless of the vault file, which applies to all
    /// hosts.
    node: Option<String>,
    pub(super) credentials: Result<Option<Credentials>, Fault>,
}

impl ProxmoxHosts {
    /// The host that acts for a node: the host with the name of the node, otherwise a host whose `proxmox_node` is
    /// the node, otherwise the first host. Of several candidates, the first one with an API.
    pub(super) fn host_of(&self, node: Option<&str>) -> Option<&Host> {
        let named = |host: &&Host| node == Some(&*host.name);
        let of_node = |host: &&Host| node.is_some() && host.node.as_deref() == node;
        let with_api = |host: &&Host| !matches!(host.credentials, Ok(None));
        let hosts = || self.hosts.iter();
        hosts()
            .find(named)
            .or_else(|| hosts().filter(of_node).find(with_api))
            .or_else(|| hosts().find(of_node))
            .or_else(|| hosts().find(with_api))
            .or_else(|| hosts().next())
    }
}

/// Why the credentials of a host cannot be determined.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    Unclear(&'static str),
    Unreadable(Arc<inventory::Error>),
}

impl Fault {
    pub(super) fn of(&self, host: &str) -> ProxmoxError {
        match self {
            Self::Unclear(variable) => ProxmoxError::Unclear { host: host.to_owned(), variable },
            Self::Unreadable(error) => ProxmoxError::Inventory(Arc::clone(error)),
        }
    }
}

/// Merges several inventories. If a host is in more than one, the last one that defines its API applies.
pub(super) fn read_all(
    sources: &[Source],
    password: Option<&SecretString>,
) -> Result<ProxmoxHosts, inventory::Error> {
    let mut all = ProxmoxHosts { hosts: Vec::new(), api_hosts: BTreeSet::new(), names_a_role: false };
    for source in sources {
        let known = read(source, password)?;
        for host in known.hosts {
            match all.hosts.iter_mut().find(|before| before.name == host.name) {
                Some(before) if !matches!(host.credentials, Ok(None)) => *before = host,
                Some(_) => {}
                None => all.hosts.push(host),
            }
        }
        all.api_hosts.extend(known.api_hosts);
        all.names_a_role |= known.names_a_role;
    }
    Ok(all)
}

fn read(source: &Source, password: Option<&SecretString>) -> Result<ProxmoxHosts, inventory::Error> {
    let inventory = Inventory::read(source, password)?;
    let hosts = inventory.hosts(GROUP).into_iter();
    let hosts = hosts.map(|name| Host {
        name: name.to_owned(),
        node: match inventory.value_in_tree(name, NODE_VARIABLE) {
            Ok(Value::Plain(node)) => Some(node.expose_secret().to_owned()),
            Ok(Value::Absent | Value::Unclear) | Err(_) => None,
        },
        credentials: credentials(&inventory, name),
    });
    let hosts = hosts.collect();
    let names_role = |host: &&str| !matches!(inventory.value(host, ROLE), Ok(Value::Absent));
    let names_a_role = inventory.hosts(GROUP).iter().any(names_role);
    Ok(ProxmoxHosts { hosts, api_hosts: inventory.all_values(API_HOST), names_a_role })
}

/// The credentials of a host; `None` when it has no API.
fn credentials(inventory: &Inventory<'_>, host: &str) -> Result<Option<Credentials>, Fault> {
    let value = |variable| match inventory.value(host, variable) {
        Ok(Value::Plain(text)) => Ok(Some(text)),
        Ok(Value::Absent) => Ok(None),
        Ok(Value::Unclear) => Err(Fault::Unclear(variable)),
        Err(error) => Err(Fault::Unreadable(Arc::new(error))),
    };
    let text = |variable, default: &str| {
        let text = value(variable)?;
        Ok(text.map_or_else(|| default.to_owned(), |text: SecretString| text.expose_secret().to_owned()))
    };
    let api_host = text(API_HOST, "")?;
    if api_host.is_empty() {
        return Ok(None);
    }
    Ok(Some(Credentials {
        api_host,
        node: text(NODE_VARIABLE, NODE)?,
        user: text("proxmox_api_user", USER)?,
        token_id: text("proxmox_api_token_id", "")?,
        token_secret: value("proxmox_api_token_secret")?.unwrap_or_default(),
    }))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const HOSTS: &str = "
all:
  children:
    elsewhere: {hosts: {other: {proxmox_api_host: 'other:8006'}}}
    range42_infrastructure:
      children:
        proxmox:
          vars: {proxmox_api_user: API_master@pam}
          hosts:
            empty: {proxmox_api_host: ''}
            px-testing:
              proxmox_api_host: 10.0.0.1:8006
              proxmox_node: px-testing
              proxmox_api_token_id: API_master
              proxmox_api_token_secret: geheim
            templated: {proxmox_api_host: '{{ somewhere }}'}
            bare: {proxmox_api_host: 10.0.0.2}
";

    fn known(hosts: &str, vault_file: Option<&str>) -> ProxmoxHosts {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name| directory.path().join(name);
        fs::write(path("hosts.yml"), hosts).expect("writable");
        let vault_file = vault_file.map(|text| {
            fs::write(path("vault.yml"), text).expect("writable");
            path("vault.yml")
        });
        let source = Source { root: directory.path().to_owned(), path: "hosts.yml".into(), vault_file };
        read(&source, None).expect("a good inventory")
    }

    fn shown(known: &ProxmoxHosts) -> Vec<String> {
        let shown = |Host { name, credentials, .. }: &Host| match credentials {
            Ok(Some(all)) => format!(
                "{name}: {} {} {} {} {}",
                all.api_host,
                all.node,
                all.user,
                all.token_id,
                all.token_secret.expose_secret()
            ),
            Ok(None) => format!("{name}: none"),
            Err(fault) => format!("{name}: {}", fault.of(name).in_full()),
        };
        known.hosts.iter().map(shown).collect()
    }

    #[test]
    fn the_hosts_of_the_group_are_apis_with_the_defaults_of_the_reference() {
        let known = known(HOSTS, None);
        assert_eq!(
            shown(&known),
            [
                "empty: none",
                "px-testing: 10.0.0.1:8006 px-testing API_master@pam API_master geheim",
                "templated: `proxmox_api_host` of the host `templated` is a template or not a string: only Ansible can evaluate it",
                "bare: 10.0.0.2 pve01 API_master@pam  ",
            ]
        );
        let hosts: Vec<_> = known.api_hosts.iter().map(String::as_str).collect();
        assert_eq!(hosts, ["10.0.0.1:8006", "10.0.0.2", "other:8006"]);
        let debug = format!("{known:?}");
        assert!(!debug.contains("geheim"), "{debug}");
    }

    #[test]
    fn a_node_has_one_host_by_name_by_variable_or_the_first_with_an_api() {
        let hosts = "
proxmox:
  hosts:
    bare: {ansible_host: 10.0.0.9}
    alpha: {proxmox_api_host: 10.0.0.1, proxmox_node: pve-a}
    beta-cli: {proxmox_node: pve-b}
    beta: {proxmox_api_host: 10.0.0.2, proxmox_node: pve-b}
";
        let host =
            |known: &ProxmoxHosts, node| known.host_of(node).map(|host| host.name.clone()).expect("a host");
        let known_hosts = known(hosts, None);
        for (node, expected) in [
            (Some("beta-cli"), "beta-cli"),
            (Some("pve-a"), "alpha"),
            (Some("pve-b"), "beta"),
            (Some("elsewhere"), "alpha"),
            (None, "alpha"),
        ] {
            assert_eq!(host(&known_hosts, node), expected, "{node:?}");
        }
        // The vault file defines the same API for all hosts.
        let from_vault = known(hosts, Some("proxmox_api_host: vault:8006\nproxmox_node: pve-a\n"));
        assert_eq!(host(&from_vault, Some("pve-b")), "beta-cli");
        assert_eq!(host(&from_vault, Some("elsewhere")), "bare");
    }

    #[test]
    fn the_vault_file_wins_and_hides_no_known_host() {
        let known = known(HOSTS, Some("proxmox_api_host: vault:8006\nproxmox_api_token_secret: other\n"));
        assert_eq!(shown(&known)[1], "px-testing: vault:8006 px-testing API_master@pam API_master other");
        assert!(known.api_hosts.contains("vault:8006") && known.api_hosts.contains("10.0.0.1:8006"));
    }
}
