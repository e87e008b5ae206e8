//! Cycles among needs, with their path.
//!
//! A machine that is probed over the network also waits for the router through which the operator reaches it, and so does a task
//! that runs on it.
//!
//! The nodes are the stages of all machines, the tasks, and for each target of tasks one node that is ready when all its machines
//! are, and one that precedes `configured` of them. So a task on thousands of machines adds two edges and not thousands.

use std::collections::HashMap;

use super::scene::Scene;
use crate::{
    Faults,
    document::{Need, Ready, Stage, Target},
    fault::{At, FaultCode},
    graph::Graph,
    layout::number,
};

const STAGES: u32 = 4;
/// The number of [`Stage::Ready`].
const READY: u32 = 2;

pub(super) fn check(scene: &Scene<'_>, faults: &mut Faults) {
    let document = scene.document;
    let machines = number(document.machines.len());
    let task_node = |task: usize| STAGES * machines + number(task);
    let mut edges = Vec::with_capacity(4 * document.machines.len());
    for (machine, described) in (0..).zip(document.machines.values()) {
        edges.extend((1..STAGES).map(|stage| (STAGES * machine + stage - 1, STAGES * machine + stage)));
        for need in &described.needs {
            edges.extend(node_of(scene, need).map(|node| (node, STAGES * machine)));
        }
        if let Some(upstream) =
            scene.routing.upstream(scene.layout, machine).filter(|_| is_probed_by_network(scene, machine))
        {
            edges.push((STAGES * upstream + READY, STAGES * machine + READY));
        }
    }
    let mut targets: HashMap<&Target, u32> = HashMap::new();
    let mut len = STAGES * machines + number(document.tasks.len());
    for (place, task) in document.tasks.iter().enumerate() {
        for need in &task.needs {
            edges.extend(node_of(scene, need).map(|node| (node, task_node(place))));
        }
        for target in &task.on.0 {
            let ready = *targets.entry(target).or_insert_with(|| {
                for machine in scene.selection.of(target) {
                    edges.push((STAGES * machine + READY, len));
                    let upstream = scene
                        .routing
                        .upstream(scene.layout, machine)
                        .filter(|_| !scene.rules.reaches_machines);
                    edges.extend(upstream.map(|upstream| (STAGES * upstream + READY, len)));
                    edges.push((len + 1, STAGES * machine + 3));
                }
                len += 2;
                len - 2
            });
            edges.extend([(ready, task_node(place)), (task_node(place), ready + 1)]);
        }
    }
    let graph = Graph::new(len as usize, &edges);
    if graph.order().is_some() {
        return;
    }
    for cycle in graph.cycles() {
        report(scene, &cycle, faults);
    }
}

/// Does the readiness check of a machine need a path through the range?
fn is_probed_by_network(scene: &Scene<'_>, machine: u32) -> bool {
    let name = scene.document.machines.get_index(machine as usize).map(|(name, _)| name);
    let ready = name.and_then(|name| scene.document.ready.get(name));
    !scene.rules.reaches_machines && ready.is_none_or(Ready::needs_path)
}

/// The node that a need waits for.
fn node_of(scene: &Scene<'_>, need: &Need) -> Option<u32> {
    if let Some(machine) = scene.document.machines.get_index_of(&need.name) {
        return Some(STAGES * number(machine) + stage_number(need.stage.unwrap_or(Stage::Ready)));
    }
    let task = scene.tasks().get(need.name.as_str())?;
    Some(STAGES * number(scene.document.machines.len()) + number(*task))
}

const fn stage_number(stage: Stage) -> u32 {
    match stage {
        Stage::Created => 0,
        Stage::Started => 1,
        Stage::Ready => 2,
        Stage::Configured => 3,
    }
}

fn report(scene: &Scene<'_>, cycle: &[u32], faults: &mut Faults) {
    let machines = number(scene.document.machines.len());
    let name = |node: u32| {
        if node < STAGES * machines {
            let (name, _) = scene.document.machines.get_index((node / STAGES) as usize)?;
            return Some(format!("{name}.{}", Stage::ALL[(node % STAGES) as usize]));
        }
        let task = scene.document.tasks.get((node - STAGES * machines) as usize)?;
        Some(task.name.to_string())
    };
    let mut names: Vec<String> = cycle.iter().filter_map(|node| name(*node)).collect();
    names.extend(names.first().cloned());
    let (root, list) = (At::Root, cycle[0] >= STAGES * machines);
    let message = format!("cycle of needs: {}", names.join(" -> "));
    let hint = "each one must come after the one before it, a machine behind a router also after that router: remove one of \
                these needs";
    if list {
        let tasks = root.field("tasks");
        let at = tasks.item((cycle[0] - STAGES * machines) as usize);
        faults.add(&at.field("needs"), FaultCode::Cycle, message).hint(hint);
    } else if let Some((name, _)) = scene.document.machines.get_index((cycle[0] / STAGES) as usize) {
        let all = root.field("machines");
        faults.add(&all.field(name.as_str()).field("needs"), FaultCode::Cycle, message).hint(hint);
    }
}
