//! What the platform accepts: names, interfaces, templates, kinds, and limits.

use super::scene::Scene;
use crate::{
    Faults,
    document::MachineKind,
    fault::{At, FaultCode, known_names},
};

const ROOT: At<'_> = At::Root;
/// The most machines, and the most networks, of all instances.
const MAX_MACHINES: u64 = 50_000;
/// The most routes of all routers of one instance.
const MAX_ROUTES: u64 = 500_000;

pub(super) fn check(scene: &Scene<'_>, faults: &mut Faults) {
    let all = ROOT.field("machines");
    // The longest name of an instance decides.
    let instances = &scene.document.instances;
    let prefix = instances.name_of(instances.count.0).map_or_else(String::new, |name| format!("{name}-"));
    for (place, (name, machine)) in scene.document.machines.iter().enumerate() {
        let at = all.field(name.as_str());
        let full = format!("{prefix}{name}");
        if let Err(reason) = scene.rules.machine_names.check(&full) {
            let message = format!("{} refuses the name `{full}`: {reason}", scene.rules.name);
            faults.add(&at, FaultCode::PlatformName, message);
        }
        let nics = scene.layout.nics[place].len();
        if nics > scene.rules.max_nics {
            let message = format!("`{name}` has {nics} network interfaces");
            faults
                .add(&at.field("networks"), FaultCode::PlatformLimit, message)
                .hint(format!("{} accepts at most {}", scene.rules.name, scene.rules.max_nics));
        }
        if !scene.rules.kinds.contains(&machine.kind) {
            let kinds: Vec<String> = scene.rules.kinds.iter().map(|kind| format!("`{kind}`")).collect();
            let message = format!("{} has no machines of kind `{}`", scene.rules.name, machine.kind);
            faults
                .add(&at.field("kind"), FaultCode::PlatformLimit, message)
                .hint(format!("use {}", kinds.join(", ")));
        }
        template(scene, name.as_str(), machine, &at, faults);
    }
    limits(scene, faults);
}

fn template(
    scene: &Scene<'_>,
    name: &str,
    machine: &crate::document::Machine,
    at: &At<'_>,
    faults: &mut Faults,
) {
    let at = at.field("template");
    match (machine.kind, &machine.template) {
        (MachineKind::Guest, None) => {
            faults.add(&at, FaultCode::Missing, format!("the guest `{name}` has no template"));
        }
        (MachineKind::Namespace, Some(_)) => {
            faults.add(&at, FaultCode::NotAllowed, format!("`{name}` is a namespace, which has no template"));
        }
        (_, Some(template)) => {
            let Some(known) = &scene.rules.templates else { return };
            match known.get(template.as_str()) {
                None => {
                    let message = format!("{} has no template `{template}`", scene.rules.name);
                    let hint = known_names(template.as_str(), known.keys().map(String::as_str));
                    faults.add(&at, FaultCode::UnknownName, message).hint(hint);
                }
                Some(found) => {
                    if let (Some(least), Some(asked)) = (found.disk_gb, machine.disk_gb)
                        && asked.0 < least
                    {
                        let message = format!("the disk of `{name}` is smaller than that of its template");
                        faults
                            .add(&at, FaultCode::OutOfRange, message)
                            .hint(format!("use at least {least} GiB"));
                    }
                }
            }
        }
        (MachineKind::Namespace, None) => {}
    }
}

fn limits(scene: &Scene<'_>, faults: &mut Faults) {
    let document = scene.document;
    let instances = u64::from(document.instances.count.0);
    let machines = instances * document.machines.len() as u64;
    let networks = instances * scene.layout.segments.len() as u64;
    for (what, count) in [("machines", machines), ("networks", networks)] {
        if count > MAX_MACHINES {
            let message = format!("the range has {count} {what}");
            faults
                .add(&ROOT.field(what), FaultCode::TooLarge, message)
                .hint(format!("at most {MAX_MACHINES} are allowed"));
        }
    }
    let routes = scene.routing.route_count();
    if routes > MAX_ROUTES {
        let message = format!("the routers of one instance need {routes} routes");
        faults.add(&ROOT, FaultCode::TooLarge, message).hint("make chains of routers shorter");
    }
    let mut used = (0, 0, 0);
    for machine in document.machines.values() {
        let template = machine.template.as_ref().map(|name| name.as_str());
        let (cores, memory, disk) = scene.rules.resources(machine.kind, template, machine.asked());
        used = (used.0 + instances * cores, used.1 + instances * memory, used.2 + instances * disk);
    }
    let limits = &scene.rules.limits;
    for (what, count, limit) in [
        ("instances", instances, limits.instances),
        ("machines", machines, limits.machines),
        ("networks", networks, limits.networks),
        ("cores", used.0, limits.cores),
        ("MiB of memory", used.1, limits.memory_mb),
        ("GiB of disk", used.2, limits.disk_gb),
    ] {
        if let Some(limit) = limit.filter(|limit| count > *limit) {
            let message = format!("the range needs {count} {what}, and {limit} are available");
            faults
                .add(&ROOT, FaultCode::Quota, message)
                .hint("make the range smaller, or ask for a larger quota");
        }
    }
}
