//! Tasks and rules of one instance, with concrete names and addresses.

use std::{collections::BTreeMap, sync::Arc};

use ipnet::IpNet;
use serde_json::{Map, Value};

use super::spec::{
    ContentKind, MachineSpec, NeedSpec, NetworkSpec, RuleSet, RuleSpec, Side, TaskSpec, VariableValue,
    concrete,
};
use crate::{
    document::{Document, Name, Need, Stage, Task},
    layout::Layout,
    selection::Selection,
    variables::substitute,
};

/// The machines that each task runs on, the same in every instance.
pub(super) fn targets(document: &Document, selection: &Selection<'_>) -> Vec<Vec<u32>> {
    document.tasks.iter().map(|task| selection.of_all(&task.on.0)).collect()
}

/// A need with its concrete name. A machine without a stage is needed when it is ready.
pub(super) fn need(document: &Document, instance: &str, need: &Need) -> NeedSpec {
    let is_machine = document.machines.contains_key(&need.name);
    let stage = is_machine.then(|| need.stage.unwrap_or(Stage::Ready));
    NeedSpec { name: concrete(instance, need.name.as_str()), stage }
}

pub(super) fn of_instance(
    document: &Document,
    instance: &str,
    machines: &[Arc<MachineSpec>],
    targets: &[Vec<u32>],
    variables: &Arc<BTreeMap<String, VariableValue>>,
) -> Vec<Arc<TaskSpec>> {
    let values = |name: &str| match (name, variables.get(name)) {
        ("instance", None) => Some(Value::from(instance)),
        (_, Some(VariableValue::Value(value))) => Some(value.clone()),
        // A secret stays a reference until the task runs.
        (_, Some(VariableValue::Secret(_)) | None) => None,
    };
    let task = |(task, targets): (&Task, &Vec<u32>)| {
        let (kind, content) = content_of(task);
        let vars: Map<String, Value> =
            task.vars.0.iter().map(|(name, value)| (name.clone(), substitute(value, &values))).collect();
        Arc::new(TaskSpec {
            name: concrete(instance, task.name.as_str()),
            instance: instance.to_owned(),
            task: task.name.as_str().to_owned(),
            kind,
            content,
            machines: targets.iter().map(|machine| machines[*machine as usize].name.clone()).collect(),
            needs: task.needs.iter().map(|needed| need(document, instance, needed)).collect(),
            idempotent: task.idempotent,
            vars,
            variables: Arc::clone(variables),
            timeout: task.timeout,
        })
    };
    document.tasks.iter().zip(targets).map(task).collect()
}

/// What a task runs; a checked document names exactly one thing.
fn content_of(task: &Task) -> (ContentKind, String) {
    let contents = [
        (ContentKind::Bundle, &task.bundle),
        (ContentKind::Playbook, &task.playbook),
        (ContentKind::Scenario, &task.scenario),
    ];
    let found = contents.into_iter().find_map(|(kind, content)| Some((kind, content.as_ref()?.0.clone())));
    found.unwrap_or((ContentKind::Playbook, String::new()))
}

/// The rules of an instance with addresses.
pub(super) fn rule_set(
    layout: &Layout<'_>,
    networks: &[Arc<NetworkSpec>],
    machines: &[Arc<MachineSpec>],
) -> RuleSet {
    let side = |name: &Name| {
        let network = layout.segment(name.as_str()).and_then(|segment| networks.get(segment as usize));
        let machine = layout.document.machines.get_index_of(name).and_then(|machine| machines.get(machine));
        let addresses = match (network, machine) {
            (Some(network), _) => vec![network.cidr.0],
            (None, Some(machine)) => machine
                .nics
                .iter()
                .filter_map(|nic| nic.address)
                .map(|address| IpNet::from(address.addr()))
                .collect(),
            (None, None) => Vec::new(),
        };
        Side { name: name.as_str().to_owned(), addresses }
    };
    let rules = &layout.document.rules;
    RuleSet {
        rules: rules
            .iter()
            .map(|rule| RuleSpec { from: side(&rule.from), to: side(&rule.to), allow: rule.allow.clone() })
            .collect(),
        isolated: networks.iter().filter(|network| network.isolated).map(|network| network.cidr).collect(),
        inside: merged(networks.iter().map(|network| network.cidr.0).collect()),
    }
}

/// Every router has these, so they are few.
const MOST_INSIDE: usize = 64;

/// The fewest networks that contain these and no other addresses; if those are too many, larger ones.
fn merged(networks: Vec<IpNet>) -> Vec<IpNet> {
    let mut merged = IpNet::aggregate(&networks);
    while merged.len() > MOST_INSIDE {
        let Some(longest) = merged.iter().map(IpNet::prefix_len).max() else { break };
        let shorten = |net: &IpNet| net.supernet().filter(|_| net.prefix_len() == longest).unwrap_or(*net);
        merged = IpNet::aggregate(&merged.iter().map(shorten).collect());
    }
    merged
}
