//! Tasks: which run, on which machines, after what; and which are forgotten.

use std::{collections::HashSet, sync::Arc};

use super::draft::{Builder, Draft, no_undo};
use crate::{
    document::Stage,
    expand::spec::NeedSpec,
    plan::{
        changes,
        step::{Action, StepKind, Work},
    },
};

impl<'a> Builder<'a> {
    pub(super) fn forget_tasks(&mut self) {
        let wanted: HashSet<&str> = self.desired.tasks.iter().map(|task| task.name.as_str()).collect();
        for (name, task) in &self.recorded.tasks {
            if !wanted.contains(name.as_str()) {
                self.add(Draft {
                    kind: StepKind::TaskForget,
                    name: name.clone(),
                    instance: task.spec.instance.clone(),
                    action: Action::Delete,
                    reason: "the task is not in the document any more; what it did to machines stays".into(),
                    changes: Vec::new(),
                    undo: no_undo("nothing was done to a machine"),
                    work: Work::ForgetTask,
                });
            }
        }
    }

    /// A task runs on all of its machines when it changed, else on those on which it was not done.
    pub(super) fn tasks(&mut self) {
        let mut runs = Vec::new();
        for task in &self.desired.tasks {
            let recorded = self.recorded.tasks.get(&task.name);
            let changes = recorded.map(|recorded| changes::of_task(&recorded.spec, task));
            let is_done = |machine: &str| {
                let is_recorded = recorded.is_some_and(|recorded| recorded.done_on.contains(machine));
                is_recorded && self.of(machine).remove.is_none()
            };
            let (action, reason, changes, machines) = match changes {
                None => {
                    (Action::Create, "the task has not run yet".into(), Vec::new(), task.machines.clone())
                }
                Some(changes) if changes.effect.is_some() => {
                    (Action::Update, changes.reason(), changes.list, task.machines.clone())
                }
                Some(_) => {
                    let missing: Vec<String> =
                        task.machines.iter().filter(|machine| !is_done(machine)).cloned().collect();
                    if missing.is_empty() {
                        self.kept.tasks.push(task.name.clone());
                        continue;
                    }
                    (Action::Update, "the task has not run on these machines yet".into(), Vec::new(), missing)
                }
            };
            let id = self.add(Draft {
                kind: StepKind::Playbook,
                name: task.name.clone(),
                instance: task.instance.clone(),
                action,
                reason,
                changes,
                undo: no_undo(
                    "what a playbook did cannot be undone; a machine that this plan created is removed",
                ),
                work: Work::RunTask { task: Arc::clone(task), machines },
            });
            self.task_runs.insert(task.name.as_str(), id);
            runs.push((task, id));
        }
        for (task, id) in &runs {
            let Work::RunTask { machines, .. } = &self.steps[*id as usize].work else { continue };
            let run_on: HashSet<&str> = machines.iter().map(String::as_str).collect();
            for machine in task.machines.iter().map(String::as_str).filter(|machine| run_on.contains(machine))
            {
                self.runs_on.entry(machine).or_default().push(*id);
            }
        }
        for (task, id) in runs {
            for machine in &task.machines {
                let steps = self.of(machine);
                self.need(id, steps.available());
                self.need(id, steps.rules);
                if let Some(place) = self.desired_place(machine) {
                    self.need_path(id, &self.desired.machines[place]);
                }
            }
            for need in &task.needs {
                self.need_stage(id, need);
            }
        }
        // Machines that wait for tasks: those were not known before.
        for (place, machine) in self.desired.machines.iter().enumerate() {
            let ensure = self.at(place).ensure;
            let Some(ensure) = ensure.filter(|ensure| self.steps[*ensure as usize].action != Action::Update)
            else {
                continue;
            };
            let waits_for_tasks = |need: &&NeedSpec| matches!(need.stage, None | Some(Stage::Configured));
            for need in machine.needs.iter().filter(waits_for_tasks) {
                self.need_stage(ensure, need);
            }
        }
    }
}
