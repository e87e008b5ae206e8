//! What each call does to the world: looked up by owner and name, then adopted, corrected, created or refused.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use range::expand::spec::{MachineSpec, NetworkSpec};

use super::{
    by_hand::ByHand,
    options::{Latencies, Options},
    world::{Entry, World, key},
};
use crate::{
    error::Error,
    observed::{Observed, ObservedMachine, ObservedNetwork, ObservedNic, Power, RulesState},
    owner::{Owner, Thing, ThingKind},
    platform::{Access, Change, Ensured, Handle, Progress, SnapshotAction},
    wanted::{MachineWanted, Wanted},
};

const HANDLE: &str = "simulated:";

pub(super) fn ensure(
    world: &mut World,
    options: &Options,
    owner: &Owner,
    wanted: &Wanted,
    now: u64,
) -> Result<Ensured, Error> {
    let thing = owner.thing(wanted.kind(), wanted.name());
    let before = world.owned(&thing)?;
    check(world, options, owner, wanted)?;
    let latency = match wanted {
        Wanted::Network(_) => options.latencies.network_ms,
        Wanted::Machine(_) => options.latencies.machine_ms,
        Wanted::Rules(_) => options.latencies.rules_ms,
    };
    let Some(mut entry) = before else {
        let task = world.begin_task(now + latency);
        let entry = Entry {
            id: world.new_id(),
            owner: Some(owner.clone()),
            wanted: wanted.clone(),
            power: Power::Off,
            ready_ms: 0,
            task,
            is_going: false,
            detached: BTreeSet::new(),
            is_changed: false,
            snapshots: BTreeMap::new(),
        };
        world.put(key(&thing), entry);
        return Ok(Ensured { change: Change::Created, progress: progress(task, latency) });
    };
    let is_right = entry.wanted == *wanted && entry.detached.is_empty() && !entry.is_changed;
    if is_right && !entry.is_going {
        return Ok(Ensured { change: Change::Adopted, progress: running(world, &entry, now) });
    }
    not_busy(world, &thing, &entry, now)?;
    if let (Wanted::Machine(before), Wanted::Machine(after)) = (&entry.wanted, wanted) {
        refuse_other_machine(&thing, &before.spec, &after.spec)?;
    }
    entry.wanted = wanted.clone();
    entry.detached.clear();
    entry.is_changed = false;
    entry.task = world.begin_task(now + latency);
    let task = entry.task;
    world.put(key(&thing), entry);
    Ok(Ensured { change: Change::Corrected, progress: progress(task, latency) })
}

pub(super) fn power(
    world: &mut World,
    latencies: &Latencies,
    machine: &Thing,
    power: Power,
    now: u64,
) -> Result<Progress, Error> {
    let mut entry = there(world, machine)?;
    if entry.power == power {
        return Ok(running(world, &entry, now));
    }
    not_busy(world, machine, &entry, now)?;
    let latency = if power == Power::On { latencies.start_ms } else { latencies.stop_ms };
    entry.power = power;
    entry.ready_ms = now + latency + latencies.boot_ms;
    Ok(keep(world, machine, entry, now, latency))
}

pub(super) fn access(world: &World, machine: &Thing) -> Result<Access, Error> {
    let entry = there(world, machine)?;
    let address = machine_of(&entry).and_then(|spec| spec.nics.iter().find_map(|nic| nic.address));
    let address = address.ok_or_else(|| Error::refused(format!("{machine} has no address")))?;
    let (user, connect) = ("root".to_owned(), Vec::new());
    Ok(Access { address: address.addr(), port: 22, user, host_keys: Vec::new(), connect })
}

pub(super) fn snapshot(
    world: &mut World,
    latencies: &Latencies,
    machine: &Thing,
    action: &SnapshotAction,
    now: u64,
) -> Result<Progress, Error> {
    let mut entry = there(world, machine)?;
    not_busy(world, machine, &entry, now)?;
    match action {
        SnapshotAction::Take(name) if entry.snapshots.contains_key(name) => return Ok(Progress::Done),
        SnapshotAction::Take(name) => {
            entry.snapshots.insert(name.clone(), entry.wanted.clone());
        }
        SnapshotAction::Revert(name) => {
            let found = entry.snapshots.get(name).cloned();
            entry.wanted = found.ok_or_else(|| Error::gone(format!("{machine} has no snapshot `{name}`")))?;
        }
        SnapshotAction::Remove(name) => {
            if entry.snapshots.remove(name).is_none() {
                return Ok(Progress::Done);
            }
        }
    }
    Ok(keep(world, machine, entry, now, latencies.snapshot_ms))
}

pub(super) fn remove(
    world: &mut World,
    latencies: &Latencies,
    thing: &Thing,
    now: u64,
) -> Result<Progress, Error> {
    let Some(mut entry) = world.owned(thing)? else { return Ok(Progress::Done) };
    if entry.is_going {
        return Ok(running(world, &entry, now));
    }
    not_busy(world, thing, &entry, now)?;
    if thing.kind == ThingKind::Network {
        let is_attached = |machine: &&MachineSpec| machine.nics.iter().any(|nic| nic.network == thing.name);
        if let Some(machine) = machines(world, &thing.owner).find(is_attached) {
            return Err(Error::refused(format!("{thing} is in use by machine `{}`", machine.name)));
        }
    }
    if thing.kind == ThingKind::Machine {
        world.drop(&key(&thing.owner.thing(ThingKind::Rules, &thing.name)));
    }
    entry.is_going = true;
    let progress = keep(world, thing, entry, now, latencies.remove_ms);
    world.settle(now);
    Ok(progress)
}

pub(super) fn observe(world: &World, owner: &Owner, now: u64) -> Observed {
    let mut observed = Observed::default();
    for (_, entry) in world.entries().filter(|(_, entry)| entry.owner.as_ref() == Some(owner)) {
        match &entry.wanted {
            Wanted::Network(network) => observed.networks.push(ObservedNetwork {
                name: network.name.clone(),
                id: format!("network-{}", entry.id),
                cidr: Some(network.cidr),
            }),
            Wanted::Machine(machine) => {
                observed.machines.push(observed_machine(world, owner, entry, machine, now))
            }
            Wanted::Rules(_) => {}
        }
    }
    observed
}

pub(super) fn task_end(world: &World, handle: &Handle) -> Result<u64, Error> {
    let id = handle.0.strip_prefix(HANDLE).and_then(|id| id.parse().ok());
    let end = id.and_then(|id| world.task_end(id));
    end.ok_or_else(|| Error::gone(format!("the platform does not know the task `{}`", handle.0)))
}

/// When the machine is ready; `None` while it is not running.
pub(super) fn ready_at(world: &World, machine: &Thing) -> Result<Option<u64>, Error> {
    let entry = there(world, machine)?;
    Ok((entry.power == Power::On).then_some(entry.ready_ms))
}

pub(super) fn foreign_subnets(world: &World) -> Vec<IpNet> {
    let foreign = world.entries().filter(|(_, entry)| entry.owner.is_none());
    foreign.filter_map(|(_, entry)| network_of(entry)).map(|network| network.cidr.0).collect()
}

pub(super) fn by_hand(world: &mut World, act: &ByHand) {
    let (thing, change): (&Thing, &dyn Fn(&mut Entry)) = match act {
        ByHand::Stop(thing) => (thing, &|entry| entry.power = Power::Off),
        ByHand::Flush(thing) => (thing, &|entry| entry.is_changed = true),
        ByHand::Detach(thing, nic) => (thing, &|entry| {
            entry.detached.insert(*nic);
        }),
        ByHand::Delete(thing) => {
            world.drop(&key(thing));
            return;
        }
        ByHand::Plant(thing, wanted) => {
            let entry = Entry {
                id: world.new_id(),
                owner: None,
                wanted: wanted.clone(),
                power: Power::On,
                ready_ms: 0,
                task: 0,
                is_going: false,
                detached: BTreeSet::new(),
                is_changed: false,
                snapshots: BTreeMap::new(),
            };
            world.put(key(thing), entry);
            return;
        }
    };
    if let Some(mut entry) = world.entry(&key(thing)).cloned() {
        change(&mut entry);
        world.put(key(thing), entry);
    }
}

fn observed_machine(
    world: &World,
    owner: &Owner,
    entry: &Entry,
    machine: &MachineWanted,
    now: u64,
) -> ObservedMachine {
    let spec = &machine.spec;
    let nics = spec.nics.iter().enumerate().map(|(at, nic)| ObservedNic {
        network: Some(nic.network.clone()).filter(|_| !entry.detached.contains(&at)),
        mac: mac(owner, &spec.name, at),
        addresses: Some(nic.address.into_iter().collect()),
    });
    let rules = world.entry(&key(&owner.thing(ThingKind::Rules, &spec.name)));
    let rules = rules.filter(|rules| !rules.is_going).map_or(RulesState::None, |rules| {
        if rules.is_changed { RulesState::Changed } else { RulesState::Set }
    });
    let is_off = entry.power == Power::Off || world.running_task(entry, now).is_some();
    ObservedMachine {
        name: spec.name.clone(),
        id: format!("machine-{}", entry.id),
        kind: spec.kind,
        power: if is_off { Power::Off } else { Power::On },
        nics: nics.collect(),
        rules,
        snapshots: entry.snapshots.keys().cloned().collect(),
        damage: None,
    }
}

/// A locally administered address.
fn mac(owner: &Owner, machine: &str, nic: usize) -> String {
    let [a, b, c, d, e, ..] = owner.fingerprint(&format!("{machine} {nic}"));
    format!("02:{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}")
}

/// What the platform refuses, whether the thing is there or not.
fn check(world: &World, options: &Options, owner: &Owner, wanted: &Wanted) -> Result<(), Error> {
    match wanted {
        Wanted::Network(network) => check_subnet(world, owner, network),
        Wanted::Machine(machine) => check_machine(world, options, owner, &machine.spec),
        Wanted::Rules(router) => there(world, &owner.thing(ThingKind::Machine, &router.name)).map(drop),
    }
}

fn check_subnet(world: &World, owner: &Owner, network: &NetworkSpec) -> Result<(), Error> {
    let own = key(&owner.thing(ThingKind::Network, &network.name));
    let others = world
        .entries()
        .filter(|(key, _)| **key != own)
        .filter_map(|(key, entry)| Some((key, network_of(entry)?)));
    for (key, other) in others {
        let (a, b) = (&other.cidr.0, &network.cidr.0);
        if a.contains(b) || b.contains(a) {
            let what = format!("the subnet {b} of network `{}` overlaps {a} of `{key}`", network.name);
            return Err(Error::refused(what));
        }
    }
    Ok(())
}

fn check_machine(world: &World, options: &Options, owner: &Owner, spec: &MachineSpec) -> Result<(), Error> {
    let templates = options.rules.templates.as_ref();
    if let (Some(templates), Some(template)) = (templates, &spec.template)
        && !templates.contains_key(template)
    {
        let known: Vec<_> = templates.keys().map(String::as_str).collect();
        return Err(Error::refused(format!("unknown template `{template}`: use {}", known.join(", "))));
    }
    for nic in &spec.nics {
        if nic.network != "uplink" {
            there(world, &owner.thing(ThingKind::Network, &nic.network))?;
        }
        let taken = |other: &&MachineSpec| {
            let same = |theirs: &range::expand::spec::NicSpec| {
                theirs.network == nic.network && nic.address.is_some() && theirs.address == nic.address
            };
            other.name != spec.name && other.nics.iter().any(same)
        };
        if let Some(other) = machines(world, owner).find(taken) {
            let what = format!("an address of machine `{}` is that of machine `{}`", spec.name, other.name);
            return Err(Error::refused(what));
        }
    }
    check_limits(world, options, owner, spec)
}

fn check_limits(world: &World, options: &Options, owner: &Owner, spec: &MachineSpec) -> Result<(), Error> {
    let own = key(&owner.thing(ThingKind::Machine, &spec.name));
    let others = world.entries().filter(|(key, _)| **key != own).filter_map(|(_, entry)| machine_of(entry));
    let (mut count, mut cores, mut memory, mut disk) = (0, 0, 0, 0);
    for machine in others.chain([spec]) {
        let asked = (machine.cores, machine.memory_mb, machine.disk_gb);
        let used = options.rules.resources(machine.kind, machine.template.as_deref(), asked);
        (count, cores, memory, disk) = (count + 1, cores + used.0, memory + used.1, disk + used.2);
    }
    let limits = &options.rules.limits;
    for (what, used, limit) in [
        ("machines", count, limits.machines),
        ("cores", cores, limits.cores),
        ("MiB of memory", memory, limits.memory_mb),
        ("GiB of disk", disk, limits.disk_gb),
    ] {
        if let Some(limit) = limit.filter(|limit| used > *limit) {
            let what = format!("machine `{}` would make {used} {what}; the platform has {limit}", spec.name);
            return Err(Error::refused(what));
        }
    }
    Ok(())
}

fn refuse_other_machine(thing: &Thing, before: &MachineSpec, after: &MachineSpec) -> Result<(), Error> {
    if before.kind == after.kind && before.template == after.template {
        return Ok(());
    }
    Err(Error::refused_with(
        format!("{thing} was made of another kind or template"),
        "remove it; then it is created again",
    ))
}

fn machine_of(entry: &Entry) -> Option<&MachineSpec> {
    if let Wanted::Machine(machine) = &entry.wanted { Some(&machine.spec) } else { None }
}

fn network_of(entry: &Entry) -> Option<&NetworkSpec> {
    if let Wanted::Network(network) = &entry.wanted { Some(network) } else { None }
}

fn machines<'a>(world: &'a World, owner: &'a Owner) -> impl Iterator<Item = &'a MachineSpec> {
    let owned = world.entries().filter(|(_, entry)| entry.owner.as_ref() == Some(owner) && !entry.is_going);
    owned.filter_map(|(_, entry)| machine_of(entry))
}

fn there(world: &World, thing: &Thing) -> Result<Entry, Error> {
    let found = world.owned(thing)?.filter(|entry| !entry.is_going);
    found.ok_or_else(|| Error::gone(format!("{thing} does not exist")))
}

/// While a task works on a thing, it is locked for others.
fn not_busy(world: &World, thing: &Thing, entry: &Entry, now: u64) -> Result<(), Error> {
    let Some((_, end)) = world.running_task(entry, now) else { return Ok(()) };
    Err(Error::Retry {
        what: format!("{thing} is locked by a task"),
        after: Some(std::time::Duration::from_millis(end - now)),
    })
}

fn keep(world: &mut World, thing: &Thing, mut entry: Entry, now: u64, latency: u64) -> Progress {
    entry.task = world.begin_task(now + latency);
    let task = entry.task;
    world.put(key(thing), entry);
    progress(task, latency)
}

fn progress(task: u64, latency: u64) -> Progress {
    if latency == 0 { Progress::Done } else { Progress::Pending(Handle(format!("{HANDLE}{task}"))) }
}

fn running(world: &World, entry: &Entry, now: u64) -> Progress {
    let running = world.running_task(entry, now);
    running.map_or(Progress::Done, |(task, _)| Progress::Pending(Handle(format!("{HANDLE}{task}"))))
}
