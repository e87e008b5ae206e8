//! Names: that what is referred to exists, that no name is used twice, and that reserved ones stay free.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    fmt::Display,
};

use super::scene::Scene;
use crate::{
    Faults,
    document::{
        Name, Target,
        names::{ALL, ANY, UPLINK},
    },
    fault::{At, FaultCode, known_names},
};

const ROOT: At<'_> = At::Root;

pub(super) fn check(scene: &Scene<'_>, faults: &mut Faults) {
    unique(scene, faults);
    machines(scene, faults);
    links_and_rules(scene, faults);
    targets(scene, faults);
    for name in scene.document.ready.keys() {
        machine_exists(scene, name, &ROOT.field("ready").field(name.as_str()), faults);
    }
}

fn unknown<'a>(
    what: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
    at: &dyn Display,
    faults: &mut Faults,
) {
    let message = format!("unknown {what} `{}`", crate::fault::quote(name));
    faults.add(at, FaultCode::UnknownName, message).hint(known_names(name, known));
}

fn machine_exists(scene: &Scene<'_>, name: &Name, at: &At<'_>, faults: &mut Faults) {
    if !scene.document.machines.contains_key(name) {
        unknown("machine", name.as_str(), scene.document.machines.keys().map(Name::as_str), at, faults);
    }
}

/// Machines and tasks share the names of `needs`; machines and networks those of `rules`.
fn unique<'a>(scene: &'a Scene<'_>, faults: &mut Faults) {
    let document = scene.document;
    let count = document.machines.len() + scene.layout.segments.len() + document.tasks.len();
    let mut seen: HashMap<Cow<'a, str>, (&str, &'a str)> = HashMap::with_capacity(count);
    let mut add = |kind: &'static str, name: &'a str, at: &At<'_>, faults: &mut Faults| {
        if [UPLINK, ANY, ALL].contains(&name) {
            let message = format!("the name `{name}` is reserved");
            faults.add(at, FaultCode::NotAllowed, message).hint("choose another name");
        }
        // Hosts and networks of platforms are not case-sensitive.
        let is_lower = !name.bytes().any(|byte| byte.is_ascii_uppercase());
        let lower = if is_lower { Cow::Borrowed(name) } else { Cow::Owned(name.to_ascii_lowercase()) };
        if let Some((other_kind, other)) = seen.insert(lower, (kind, name)) {
            let message = format!("the {kind} `{name}` has the name of the {other_kind} `{other}`");
            faults
                .add(at, FaultCode::Duplicate, message)
                .hint("machines, networks, links and tasks need different names");
        }
    };
    let (networks, machines) = (ROOT.field("networks"), ROOT.field("machines"));
    document
        .networks
        .keys()
        .for_each(|name| add("network", name.as_str(), &networks.field(name.as_str()), faults));
    document
        .machines
        .keys()
        .for_each(|name| add("machine", name.as_str(), &machines.field(name.as_str()), faults));
    let (links, tasks) = (ROOT.field("links"), ROOT.field("tasks"));
    for segment in &scene.layout.segments {
        if let Some(place) = segment.link {
            add("link", &segment.name, &links.item(place), faults);
        }
    }
    for (place, task) in document.tasks.iter().enumerate() {
        add("task", task.name.as_str(), &tasks.item(place).field("name"), faults);
    }
}

fn machines(scene: &Scene<'_>, faults: &mut Faults) {
    let known = scene.layout.names().chain([UPLINK]);
    for (name, machine) in &scene.document.machines {
        let (machines, mut attached) = (ROOT.field("machines"), BTreeSet::new());
        let (at, name) = (machines.field(name.as_str()), name.as_str());
        let networks = at.field("networks");
        for (place, nic) in machine.networks.iter().enumerate() {
            let (at, network) = (networks.item(place), nic.name.as_str());
            if network != UPLINK && scene.layout.segment(network).is_none() {
                unknown("network", network, known.clone(), &at, faults);
            } else if !attached.insert(network) {
                let message = format!("the machine `{name}` is attached to `{network}` twice");
                faults.add(&at, FaultCode::Duplicate, message);
            }
        }
        needs(scene, &machine.needs, &at, faults);
    }
    let tasks = ROOT.field("tasks");
    for (place, task) in scene.document.tasks.iter().enumerate() {
        needs(scene, &task.needs, &tasks.item(place), faults);
    }
}

fn needs(scene: &Scene<'_>, needs: &[crate::document::Need], at: &At<'_>, faults: &mut Faults) {
    let document = scene.document;
    if needs.is_empty() {
        return;
    }
    for (place, need) in needs.iter().enumerate() {
        let (list, name) = (at.field("needs"), need.name.as_str());
        let at = list.item(place);
        if document.machines.contains_key(name) {
            continue;
        }
        let is_task = scene.tasks().contains_key(name);
        match (is_task, need.stage) {
            (true, None) => {}
            (true, Some(stage)) => {
                let message = format!("`{name}` is a task and has no stage `{stage}`");
                faults
                    .add(&at, FaultCode::NotAllowed, message)
                    .hint(format!("use `{name}`: it means that the task succeeded"));
            }
            (false, _) => {
                let prefix = name.rsplit_once('.').filter(|(name, _)| document.machines.contains_key(*name));
                if let Some((machine, stage)) = prefix {
                    let message = format!("the machine `{machine}` has no stage `{stage}`");
                    faults
                        .add(&at, FaultCode::UnknownName, message)
                        .hint("use `created`, `started`, `ready` or `configured`");
                    continue;
                }
                let known = document.machines.keys().map(Name::as_str).chain(scene.tasks().keys().copied());
                unknown("machine or task", name, known, &at, faults);
            }
        }
    }
}

fn links_and_rules(scene: &Scene<'_>, faults: &mut Faults) {
    let (links, rules) = (ROOT.field("links"), ROOT.field("rules"));
    for (place, link) in scene.document.links.iter().enumerate() {
        let at = links.item(place);
        link.between.0.iter().for_each(|end| machine_exists(scene, end, &at, faults));
        let [a, b] = &link.between.0;
        if a == b {
            faults.add(&at, FaultCode::NotAllowed, format!("the link connects `{a}` with itself"));
        }
    }
    for (place, rule) in scene.document.rules.iter().enumerate() {
        let at = rules.item(place);
        for (field, name) in [("from", &rule.from), ("to", &rule.to)] {
            let text = name.as_str();
            let is_known = [ANY, UPLINK].contains(&text) || scene.layout.segment(text).is_some();
            if !is_known && !scene.document.machines.contains_key(name) {
                let known = scene.layout.names().chain(scene.document.machines.keys().map(Name::as_str));
                unknown("network or machine", text, known.chain([ANY, UPLINK]), &at.field(field), faults);
            }
        }
        let isolated =
            |name: &Name| scene.document.networks.get(name).is_some_and(|network| network.isolated);
        for (one, other) in [(&rule.from, &rule.to), (&rule.to, &rule.from)] {
            if one.as_str() == UPLINK && isolated(other) {
                let message =
                    format!("the network `{other}` is isolated: nothing passes between it and the uplink");
                faults.add(&at, FaultCode::NotAllowed, message).hint("remove the rule, or `isolated`");
            }
        }
    }
}

fn targets(scene: &Scene<'_>, faults: &mut Faults) {
    let tasks = ROOT.field("tasks");
    for (place, task) in scene.document.tasks.iter().enumerate() {
        let at = tasks.item(place);
        for target in &task.on.0 {
            let at = at.field("on");
            match target {
                Target::Machine(name) => machine_exists(scene, name, &at, faults),
                Target::Group(name) if !scene.selection.groups.contains_key(name.as_str()) => {
                    let mut known: Vec<&str> = scene.selection.groups.keys().copied().collect();
                    known.sort_unstable();
                    unknown("group", name.as_str(), known, &at, faults);
                }
                Target::Network(name) if scene.layout.segment(name.as_str()).is_none() => {
                    unknown("network", name.as_str(), scene.layout.names(), &at, faults);
                }
                _ if scene.selection.of(target).is_empty() => {
                    faults.add(
                        &at,
                        FaultCode::UnknownName,
                        format!("the target `{target}` selects no machine"),
                    );
                }
                _ => {}
            }
        }
    }
}
