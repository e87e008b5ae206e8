//! Verification: packets are sent once everything else in an instance is done.

use std::collections::HashMap;

use super::draft::{Builder, Draft, no_undo};
use crate::plan::step::{Action, StepKind, Work};

impl<'a> Builder<'a> {
    /// Packets are sent in an instance once everything else in it is done, if anything changed since they last were.
    pub(super) fn verify(&mut self) {
        if !self.desired.verify {
            return;
        }
        let mut steps: HashMap<&str, (bool, Vec<u32>)> = HashMap::new();
        let mut is_needed = vec![false; self.steps.len()];
        self.steps.iter().flat_map(|step| &step.needs).for_each(|need| is_needed[*need as usize] = true);
        let instances: HashMap<&str, &'a String> =
            self.desired.instances.iter().map(|instance| (instance.as_str(), instance)).collect();
        for step in &self.steps {
            let Some(instance) = instances.get(step.instance.as_str()) else { continue };
            let (is_changed, last) = steps.entry(instance.as_str()).or_default();
            *is_changed |= !matches!(step.kind, StepKind::Playbook | StepKind::TaskForget);
            if !is_needed[step.id as usize] {
                last.push(step.id);
            }
        }
        for instance in &self.desired.instances {
            let (is_changed, last) = steps.remove(instance.as_str()).unwrap_or_default();
            let is_verified = self.recorded.verified.contains(instance);
            if is_verified && !is_changed {
                continue;
            }
            let reason =
                if is_changed { "the instance changes" } else { "the instance was not verified yet" };
            let id = self.add(Draft {
                kind: StepKind::Verify,
                name: if instance.is_empty() { self.desired.name.clone() } else { instance.clone() },
                instance: instance.clone(),
                action: if is_verified { Action::Update } else { Action::Create },
                reason: reason.into(),
                changes: Vec::new(),
                undo: no_undo("sending packets changes nothing"),
                work: Work::Verify,
            });
            self.steps[id as usize].needs = last;
        }
    }
}
