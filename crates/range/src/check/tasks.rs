//! Tasks, their content and variables; readiness; machines that a task runs on and that the operator does not reach.

use serde_json::Value;

use super::scene::Scene;
use crate::{
    Faults,
    document::{Probe, Task, VariableType, content::is_variable_name},
    fault::{At, FaultCode, known_names},
    routing,
    variables::references,
};

const ROOT: At<'_> = At::Root;
/// The most pairs of a task and a machine that it runs on, in one instance.
const MAX_RUNS: usize = 1_000_000;

pub(super) fn check(scene: &Scene<'_>, faults: &mut Faults) {
    variables(scene, faults);
    let tasks = ROOT.field("tasks");
    for (place, task) in scene.document.tasks.iter().enumerate() {
        one_content(task, &tasks.item(place), faults);
        for (name, value) in &task.vars.0 {
            let (task_at, vars) = (tasks.item(place), "vars");
            known_variables(scene, value, &task_at.field(vars).field(name), faults);
        }
    }
    for (name, ready) in &scene.document.ready {
        let all = ROOT.field("ready");
        let at = all.field(name.as_str());
        if ready.tcp.is_some() && ready.by.is_some() {
            faults
                .add(&at, FaultCode::NotAllowed, "`tcp` and `by` exclude each other")
                .hint("remove one of them");
        }
        if ready.by == Some(Probe::None) && ready.within.is_some() {
            faults.add(
                &at.field("within"),
                FaultCode::NotAllowed,
                "nothing is probed, so there is nothing to wait for",
            );
        }
    }
    unreachable(scene, faults);
}

fn one_content(task: &Task, at: &At<'_>, faults: &mut Faults) {
    let contents = [("bundle", &task.bundle), ("playbook", &task.playbook), ("scenario", &task.scenario)];
    let given: Vec<&str> =
        contents.iter().filter(|(_, content)| content.is_some()).map(|(name, _)| *name).collect();
    let hint = "use exactly one of `bundle`, `playbook` and `scenario`";
    match given.as_slice() {
        [_] => {}
        [] => faults.add(at, FaultCode::Missing, "the task has nothing to run").hint(hint),
        _ => {
            let message = format!("the task has more than one thing to run: {}", given.join(", "));
            faults.add(at, FaultCode::NotAllowed, message).hint(hint);
        }
    }
}

fn variables(scene: &Scene<'_>, faults: &mut Faults) {
    let all = ROOT.field("variables");
    for (name, variable) in &scene.document.variables {
        let at = all.field(name.as_str());
        if !is_variable_name(name.as_str()) {
            let message = format!("`{name}` is not a valid variable name");
            faults
                .add(&at, FaultCode::Invalid, message)
                .hint("use letters, digits and `_`, and no digit at the beginning");
        }
        let Some(default) = &variable.default else { continue };
        let at = at.field("default");
        if variable.r#type == VariableType::Secret {
            faults
                .add(&at, FaultCode::NotAllowed, format!("the secret `{name}` has a default in the document"))
                .hint("remove it, and supply the value with the request");
        } else if !variable.r#type.accepts(&default.0) {
            let found = crate::read::kind_of(&default.0);
            faults.add(
                &at,
                FaultCode::WrongType,
                format!("the default of `{name}` is {found}, its type is {}", variable.r#type),
            );
        }
    }
}

/// Every `${name}` in the texts of a value is a variable.
fn known_variables(scene: &Scene<'_>, value: &Value, at: &At<'_>, faults: &mut Faults) {
    match value {
        Value::String(text) => {
            for name in references(text) {
                if name != "instance" && !scene.document.variables.contains_key(name) {
                    let known = scene.document.variables.keys().map(|name| name.as_str()).chain(["instance"]);
                    let message = format!("unknown variable `{}`", crate::fault::quote(name));
                    faults.add(at, FaultCode::UnknownName, message).hint(known_names(name, known));
                }
            }
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(place, item)| known_variables(scene, item, &at.item(place), faults));
        }
        Value::Object(entries) => {
            entries.iter().for_each(|(name, value)| known_variables(scene, value, &at.field(name), faults));
        }
        _ => {}
    }
}

fn unreachable(scene: &Scene<'_>, faults: &mut Faults) {
    let mut runs = 0;
    let mut first_task = vec![None; scene.document.machines.len()];
    for task in &scene.document.tasks {
        for target in &task.on.0 {
            for machine in scene.selection.of(target) {
                first_task[machine as usize].get_or_insert(task);
                runs += 1;
            }
            if runs > MAX_RUNS {
                let message =
                    format!("the tasks run more than {MAX_RUNS} times on a machine of one instance");
                faults.add(&ROOT.field("tasks"), FaultCode::TooLarge, message);
                return;
            }
        }
    }
    if scene.rules.reaches_machines {
        return;
    }
    let reached = routing::reached(scene.layout, scene.routing);
    let lost = (0..first_task.len()).filter(|machine| !reached[*machine]);
    let machines = ROOT.field("machines");
    for (machine, task) in lost.filter_map(|machine| Some((machine, first_task[machine]?))) {
        let Some((name, _)) = scene.document.machines.get_index(machine) else { continue };
        let message =
            format!("no path leads from the operator to `{name}`, on which the task `{}` runs", task.name);
        let hint = "attach it to a network that routers connect to a machine of role `jumpbox` or a router with an uplink";
        faults.add(&machines.field(name.as_str()), FaultCode::Unreachable, message).hint(hint);
    }
}
