//! The inventory of a range: its machines with their groups and variables as YAML, and how SSH reaches each. A pure function.
//!
//! ```text
//! recorded machines, access by platform --> YAML for Ansible
//!                                       '-> machines for the configuration of SSH (crate `ansible`)
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use ansible::{SshMachine, Way};
use platform::Access;
use range::{Recorded, document::Role, expand::spec::MachineSpec};
use serde_json::{Map, Value, json};

use super::yaml::to_yaml;

/// How Ansible connects to the machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connection<'a> {
    /// By SSH, without files of a run: for people to read.
    Described,
    /// By SSH with this configuration.
    Ssh(&'a Path),
    /// The tasks run on this node.
    ThisNode,
}

/// The inventory of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inventory {
    /// YAML.
    pub(crate) text: String,
    /// How the machines are reached.
    pub(crate) machines: Vec<SshMachine>,
}

/// The inventory of the machines whose access is known.
pub(crate) fn inventory(
    range: &str,
    recorded: &Recorded,
    access: &BTreeMap<String, Access>,
    connection: Connection<'_>,
) -> Inventory {
    let (mut hosts, mut machines) = (Map::new(), Vec::new());
    let mut groups: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (name, machine) in &recorded.machines {
        let Some(access) = access.get(name) else { continue };
        let spec = &*machine.spec;
        let networks = networks(spec, recorded);
        hosts.insert(name.clone(), variables(range, spec, access, &networks, connection));
        for group in groups_of(range, spec, &networks) {
            groups.entry(group).or_default().insert(name);
        }
        machines.push(SshMachine {
            name: name.clone(),
            address: access.address,
            port: access.port,
            user: access.user.clone(),
            host_keys: access.host_keys.clone(),
            way: way(spec, access, recorded),
        });
    }
    let in_group = |names: BTreeSet<&str>| {
        let members: Map<String, Value> =
            names.into_iter().map(|name| (name.to_owned(), json!({}))).collect();
        json!({ "hosts": members })
    };
    let children: Map<String, Value> =
        groups.into_iter().map(|(group, names)| (group, in_group(names))).collect();
    let text = to_yaml(&json!({ "all": { "hosts": hosts, "children": children } }));
    Inventory { text, machines }
}

/// The networks of a machine as the document names them, with its address in each.
fn networks(spec: &MachineSpec, recorded: &Recorded) -> Vec<(String, Option<String>)> {
    let network = |nic: &range::expand::spec::NicSpec| {
        let name = recorded.networks.get(&nic.network).map_or(&nic.network, |network| &network.network);
        (name.clone(), nic.address.map(|address| address.addr().to_string()))
    };
    spec.nics.iter().map(network).collect()
}

fn variables(
    range: &str,
    spec: &MachineSpec,
    access: &Access,
    networks: &[(String, Option<String>)],
    connection: Connection<'_>,
) -> Value {
    let addresses: Map<String, Value> = networks
        .iter()
        .filter_map(|(network, address)| Some((network.clone(), address.clone()?.into())))
        .collect();
    let mut variables = json!({
        "ansible_host": access.address.to_string(),
        "range_name": range,
        "range_instance": spec.instance,
        "range_machine": spec.machine,
        "range_role": spec.role.as_str(),
        "range_addresses": addresses,
    });
    match connection {
        Connection::ThisNode => {
            variables["ansible_connection"] = "local".into();
            // The one that runs Ansible, as for `localhost`.
            variables["ansible_python_interpreter"] = "{{ ansible_playbook_python }}".into();
        }
        Connection::Described | Connection::Ssh(_) => {
            variables["ansible_connection"] = "ssh".into();
            variables["ansible_port"] = access.port.into();
            variables["ansible_user"] = access.user.as_str().into();
        }
    }
    if let Connection::Ssh(configuration) = connection {
        // The key, the host keys, and the way to the machine.
        variables["ansible_ssh_common_args"] =
            format!("-F {}", for_shell(&configuration.to_string_lossy())).into();
        // Host keys are exact.
        variables["ansible_host_key_checking"] = true.into();
        // What `ssh` is called with. Machines of different instances can have the same address.
        variables["ansible_ssh_host"] = spec.name.as_str().into();
    }
    variables
}

/// The groups of a machine: those of the document, and those that follow from its place in the range.
fn groups_of(range: &str, spec: &MachineSpec, networks: &[(String, Option<String>)]) -> Vec<String> {
    let mut groups = vec![grouped("range", range), grouped("role", spec.role.as_str())];
    if !spec.instance.is_empty() {
        groups.push(grouped("instance", &spec.instance));
    }
    groups.extend(networks.iter().map(|(network, _)| grouped("network", network)));
    groups.extend(spec.groups.iter().cloned());
    groups
}

/// A name that is valid for a group.
fn grouped(kind: &str, name: &str) -> String {
    let valid = |character: char| if character.is_ascii_alphanumeric() { character } else { '_' };
    format!("{kind}_{}", name.chars().map(valid).collect::<String>())
}

/// The way to a machine. What the platform can't connect to, and is not reached directly, is reached through the jumpbox, or
/// through the next machine on the way in.
fn way(spec: &MachineSpec, access: &Access, recorded: &Recorded) -> Way {
    if !access.connect.is_empty() {
        return Way::Command(access.connect.clone());
    }
    let Some(first) = &spec.upstream else { return Way::Direct };
    let mut at = Some(first);
    // A bound, in case that what is recorded has a circle.
    for _ in 0..recorded.machines.len() {
        let Some(machine) = at.and_then(|name| recorded.machines.get(name)) else { break };
        if machine.spec.role == Role::Jumpbox {
            return Way::Through(machine.spec.name.clone());
        }
        at = machine.spec.upstream.as_ref();
    }
    Way::Through(first.clone())
}

fn for_shell(word: &str) -> String {
    format!("'{}'", word.replace('\'', r#"'"'"'"#))
}

#[cfg(test)]
mod tests {
    use range::{Leases, PlatformRules, Values, document::text::Format, plan::RecordedMachine};

    use super::*;

    const DOCUMENT: &str = "name: web-attack\nplatform: p\ninstances: {count: 2, name: \"team{n:02}\"}\n\
        networks: {dmz: {cidr: 10.0.1.0/24}, inner: {cidr: 10.0.2.0/24}}\nmachines:\n  \
        door: {kind: namespace, role: jumpbox, networks: [uplink, dmz]}\n  \
        gw: {kind: namespace, role: router, networks: [dmz, inner]}\n  \
        db: {kind: namespace, networks: [inner], groups: [databases]}\n";

    /// Everything that a document describes, on a platform that leaves the way to the machines to the caller.
    fn recorded(yaml: &str) -> (Recorded, BTreeMap<String, Access>) {
        let rules = PlatformRules::default();
        let document =
            range::read_text(yaml, Format::Yaml, &rules).unwrap_or_else(|faults| panic!("{faults}"));
        let desired = range::expand(&document, &Values::default(), &Leases::default(), &rules);
        let desired = desired.unwrap_or_else(|faults| panic!("{faults}"));
        let mut recorded = Recorded::default();
        for network in &desired.networks {
            recorded.networks.insert(network.name.clone(), network.clone());
        }
        let mut access = BTreeMap::new();
        for (number, spec) in (10..).zip(&desired.machines) {
            let stage = range::document::Stage::Ready;
            recorded.machines.insert(
                spec.name.clone(),
                RecordedMachine { spec: spec.clone(), stage, snapshots: BTreeMap::new() },
            );
            let reached = Access {
                address: [10, 9, 9, number].into(),
                port: 22,
                user: "root".to_owned(),
                host_keys: vec!["ssh-ed25519 AAAA".to_owned()],
                connect: Vec::new(),
            };
            access.insert(spec.name.clone(), reached);
        }
        (recorded, access)
    }

    /// The lines below the one with this name, as far as they are indented by more.
    fn below<'a>(text: &'a str, name: &str, indent: usize) -> Vec<&'a str> {
        let head = format!("{}{name}:", " ".repeat(indent));
        let lines = text.lines().skip_while(|line| *line != head).skip(1);
        let depth = move |line: &&str| line.len() - line.trim_start().len() > indent;
        lines.take_while(depth).map(str::trim).collect()
    }

    #[test]
    fn machines_have_groups_and_variables_and_no_two_instances_are_mixed_up() {
        let (recorded, access) = recorded(DOCUMENT);
        let configuration = Connection::Ssh(Path::new("/run/a b/ssh_config"));
        let text = inventory("web-attack", &recorded, &access, configuration).text;
        let db = below(&text[text.find("\n  hosts:").expect("hosts")..], "team02-db", 4);
        for line in [
            "ansible_ssh_host: team02-db",
            "ansible_ssh_common_args: \"-F '/run/a b/ssh_config'\"",
            "ansible_port: 22",
            "range_instance: team02",
            "range_machine: db",
            "inner: \"10.0.2.10\"",
        ] {
            assert!(db.contains(&line), "{line}: {db:#?}");
        }
        let members = |group: &str| -> Vec<String> {
            let lines = below(&text, group, 4);
            lines.iter().skip(1).map(|line| line.trim_end_matches(": {}").to_owned()).collect()
        };
        assert_eq!(members("databases"), ["team01-db", "team02-db"]);
        assert_eq!(members("network_inner"), ["team01-db", "team01-gw", "team02-db", "team02-gw"]);
        assert_eq!(members("instance_team01"), ["team01-db", "team01-door", "team01-gw"]);
        assert_eq!(members("role_jumpbox"), ["team01-door", "team02-door"]);
        assert_eq!(members("range_web_attack").len(), 6);
    }

    #[test]
    fn the_platform_connects_where_it_can_and_the_jumpbox_of_the_instance_does_elsewhere() {
        let (recorded, mut access) = recorded(DOCUMENT);
        let ways = |access: &BTreeMap<String, Access>| -> BTreeMap<String, Way> {
            let found = inventory("web-attack", &recorded, access, Connection::Described);
            found.machines.into_iter().map(|machine| (machine.name, machine.way)).collect()
        };
        let found = ways(&access);
        assert_eq!(found["team01-door"], Way::Direct);
        // The next machine on the way in is the router.
        assert_eq!(found["team02-db"], Way::Through("team02-door".to_owned()));
        let command = vec!["connect".to_owned(), "team02-db".to_owned()];
        access.get_mut("team02-db").expect("there").connect = command.clone();
        access.remove("team02-gw");
        let found = ways(&access);
        assert_eq!(found["team02-db"], Way::Command(command));
        assert!(!found.contains_key("team02-gw"), "its access is not known");
    }
}
