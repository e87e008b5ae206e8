//! What there is of a range, from the kernel's own lists.

use std::{collections::BTreeMap, path::Path};

use range::expand::spec::MachineSpec;

use super::{
    fabric::Fabric,
    home::{MachineDir, RangeDir},
    kernel::{Link, Namespace, Netlink, on_thread},
    machine,
    options::UPLINK,
    process, rules, uplink,
};
use crate::{
    error::Error,
    observed::{Leftover, Observed, ObservedMachine, ObservedNic, RulesState},
    wanted::MachineWanted,
};

/// Ports of the fabric by name, with the network that each is attached to.
type Ports = BTreeMap<String, Option<String>>;

/// Everything of a range.
pub(super) async fn observe(
    dir: &RangeDir,
    fabric: Option<&std::sync::Arc<Fabric>>,
) -> Result<Observed, Error> {
    let mut observed = Observed { outside: uplink::gateway(dir), ..Observed::default() };
    let mut ports = Ports::new();
    if let Some(fabric) = fabric {
        let links = fabric.links()?;
        let networks: BTreeMap<u32, _> =
            links.iter().filter_map(|link| Some((link.index, fabric.network_of(link)?))).collect();
        ports.extend(links.iter().map(|link| {
            let network = link.bridge.and_then(|bridge| networks.get(&bridge));
            (link.name.clone(), network.map(|network| network.name.clone()))
        }));
        observed.networks = networks.into_values().filter(|network| network.name != UPLINK).collect();
        observed.networks.sort_by(|a, b| a.name.cmp(&b.name));
    }
    for machine in dir.machines() {
        match (machine.wanted(), fabric) {
            (Ok(Some(wanted)), Some(fabric)) if machine.net().exists() => {
                observed.machines.push(one(fabric, &machine, wanted, &ports).await?);
            }
            (Ok(Some(_)), _) => observed.leftovers.push(leftover(machine.name(), machine.path())),
            _ => {}
        }
    }
    observed.leftovers.extend(dir.interrupted().iter().map(|(name, path)| leftover(name, path)));
    if observed.is_empty() {
        observed.leftovers.push(of_range(&dir.fabric()));
    }
    Ok(observed)
}

async fn one(
    fabric: &std::sync::Arc<Fabric>,
    dir: &MachineDir,
    wanted: MachineWanted,
    ports: &Ports,
) -> Result<ObservedMachine, Error> {
    let expected: Vec<(String, Option<Option<String>>)> = (0..wanted.spec.nics.len())
        .map(|at| {
            let port = fabric.port_name(&wanted.spec.name, at);
            let network = ports.get(&port).cloned();
            (format!("eth{at}"), network)
        })
        .collect();
    let (fabric, dir) = (std::sync::Arc::clone(fabric), dir.clone());
    let seen = on_thread(move || look(&fabric, &dir, &wanted, &expected)).await;
    seen.map_err(|error| Error::retry(format!("cannot start a thread: {error}")))?
}

/// Inspects a machine. The calling thread ends in its namespace.
fn look(
    fabric: &Fabric,
    dir: &MachineDir,
    wanted: &MachineWanted,
    expected: &[(String, Option<Option<String>>)],
) -> Result<ObservedMachine, Error> {
    let spec: &MachineSpec = &wanted.spec;
    let mut machine = ObservedMachine {
        name: spec.name.clone(),
        id: dir.path().display().to_string(),
        kind: spec.kind,
        power: process::power(dir),
        nics: Vec::new(),
        rules: RulesState::None,
        snapshots: Vec::new(),
        damage: None,
    };
    let Some(namespace) = Namespace::open(&dir.net())? else { return Ok(machine) };
    namespace.enter()?;
    let mut inside = Netlink::open()?;
    let (links, addresses) = (inside.links()?, inside.addresses()?);
    for (name, network) in expected {
        let link = links.iter().find(|link| link.name == *name);
        let is_attached = link.is_some_and(|link| link.is_up);
        machine.nics.push(ObservedNic {
            network: network.clone().flatten().filter(|_| is_attached),
            mac: link.map(mac).unwrap_or_default(),
            addresses: link.map(|link| {
                addresses.iter().filter(|(index, _)| *index == link.index).map(|(_, net)| *net).collect()
            }),
        });
    }
    if rules::are_set(dir) {
        machine.rules = rules::state(dir)?;
    }
    machine::learn(fabric, dir, wanted)?;
    Ok(machine)
}

fn mac(link: &Link) -> String {
    let bytes: Vec<String> = link.mac.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(":")
}

/// What a removal that was interrupted in its last steps left of a range.
pub(super) fn of_range(path: &Path) -> Leftover {
    Leftover {
        what: format!("`{}` of a range that has no networks and machines", path.display()),
        remove_by: "remove any network of the range again".to_owned(),
    }
}

/// A machine whose making or removal was interrupted.
fn leftover(machine: &str, path: &Path) -> Leftover {
    Leftover {
        what: format!("the directory `{}` of a machine that has no namespace", path.display()),
        remove_by: format!("ensure or remove machine `{machine}` again"),
    }
}
