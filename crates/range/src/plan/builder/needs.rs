//! What machines and tasks wait for: networks, addresses, the way to them, and what the document says.

use std::collections::HashMap;

use super::draft::Builder;
use crate::{
    document::{Ready, Stage},
    expand::spec::{MachineSpec, NeedSpec},
    plan::step::Action,
};

impl<'a> Builder<'a> {
    /// The needs of machines: their networks, their addresses, the way to them, and what the document says.
    pub(super) fn machine_needs(&mut self) {
        let mut freed = HashMap::new();
        for (name, recorded) in &self.recorded.machines {
            let steps = self.of(name);
            if let Some(step) = steps.remove.or(steps.stop) {
                let addressed = recorded
                    .spec
                    .nics
                    .iter()
                    .filter_map(|nic| Some((nic.network.as_str(), nic.address?.addr())));
                freed.extend(addressed.map(|place| (place, step)));
            }
        }
        for (place, machine) in self.desired.machines.iter().enumerate() {
            let steps = *self.at(place);
            if let Some(ensure) = steps.ensure {
                for nic in &machine.nics {
                    self.need(ensure, self.network_ensure.get(nic.network.as_str()).copied());
                    let freed =
                        nic.address.and_then(|address| freed.get(&(nic.network.as_str(), address.addr())));
                    self.need(ensure, freed.copied());
                }
                let is_new = self.steps[ensure as usize].action != Action::Update;
                for need in machine.needs.iter().filter(|_| is_new) {
                    self.need_stage(ensure, need);
                }
            }
            if let Some(wait) = steps.wait
                && machine.ready.as_ref().is_none_or(Ready::needs_path)
            {
                self.need_path(wait, machine);
            }
        }
    }

    /// The router through which the operator reaches a machine comes first, unless the platform does without.
    pub(super) fn need_path(&mut self, step: u32, machine: &MachineSpec) {
        if self.inputs.rules.reaches_machines {
            return;
        }
        let upstream = machine.upstream.as_deref().map(|upstream| self.of(upstream));
        if let Some(upstream) = upstream {
            self.need(step, upstream.rules.or(upstream.available()));
        }
    }

    pub(super) fn need_stage(&mut self, step: u32, need: &NeedSpec) {
        let Some(stage) = need.stage else {
            self.need(step, self.task_runs.get(need.name.as_str()).copied());
            return;
        };
        let steps = self.of(&need.name);
        let needed = match stage {
            Stage::Created => steps.ensure,
            Stage::Started => steps.start.or(steps.ensure),
            Stage::Ready => steps.available(),
            Stage::Configured => steps.rules.or(steps.available()),
        };
        self.need(step, needed);
        if stage == Stage::Configured {
            for run in self.runs_on.get(need.name.as_str()).cloned().unwrap_or_default() {
                self.need(step, Some(run));
            }
        }
    }
}
