//! Starts and stops machines, in the order of what they need.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::{Drafts, no_undo, undo};
use crate::{
    document::{Ready, Stage},
    plan::{
        recorded::RecordedMachine,
        step::{Action, StepKind, Undo, UndoKind, Work},
    },
};

const WAITING: Undo = no_undo("waiting changes nothing");

impl<'a> Drafts<'a> {
    pub(super) fn start_machines(&mut self, machines: &[&'a RecordedMachine]) {
        for machine in machines {
            match machine.stage {
                Stage::Created => self.start(machine, "the machine is not started", None),
                Stage::Started => self.wait(machine, "the machine was not ready yet", None),
                Stage::Ready | Stage::Configured => self.kept.machines.push(machine.spec.name.clone()),
            }
        }
        self.order(machines);
    }

    /// Starts a machine after a step, and waits for it.
    pub(super) fn start(&mut self, machine: &'a RecordedMachine, reason: &'static str, after: Option<u32>) {
        let undone = undo(UndoKind::Stop);
        let kind = (StepKind::MachineStart, Action::Update);
        let id = self.add(&machine.spec, kind, reason, (Work::StartMachine, undone), after);
        self.started.insert(&machine.spec.name, id);
        self.wait(machine, "the machine is started", Some(id));
    }

    fn wait(&mut self, machine: &'a RecordedMachine, reason: &'static str, after: Option<u32>) {
        let work = Work::WaitMachine { ready: machine.spec.ready };
        let kind = (StepKind::MachineWait, Action::Update);
        let id = self.add(&machine.spec, kind, reason, (work, WAITING), after);
        self.ready.insert(&machine.spec.name, id);
    }

    /// Machines wait for what they need, and for the router through which they are reached.
    pub(super) fn order(&mut self, machines: &[&'a RecordedMachine]) {
        for machine in machines {
            let name = machine.spec.name.as_str();
            for need in &machine.spec.needs {
                let needed = match need.stage {
                    None | Some(Stage::Created) => None,
                    Some(Stage::Started) => self.started.get(need.name.as_str()).copied(),
                    Some(Stage::Ready) => self.ready.get(need.name.as_str()).copied(),
                    Some(Stage::Configured) => self.forwards(&need.name),
                };
                if let Some(start) = self.started.get(name) {
                    self.need(*start, needed);
                }
            }
            let needs_path = machine.spec.ready.as_ref().is_none_or(Ready::needs_path);
            if let Some(wait) = self.ready.get(name).filter(|_| needs_path)
                && !self.inputs.rules.reaches_machines
            {
                let upstream = machine.spec.upstream.as_deref();
                self.need(*wait, upstream.and_then(|upstream| self.forwards(upstream)));
            }
        }
    }

    /// The step after which a machine forwards packets.
    fn forwards(&self, machine: &str) -> Option<u32> {
        self.rules.get(machine).or_else(|| self.ready.get(machine)).copied()
    }

    pub(super) fn stop_machines(&mut self, machines: &[&'a RecordedMachine]) {
        let mut stops = BTreeMap::new();
        for machine in machines {
            if machine.stage == Stage::Created {
                self.kept.machines.push(machine.spec.name.clone());
            } else {
                let id = self.stop(machine, "the machine is to be stopped");
                stops.insert(machine.spec.name.as_str(), id);
            }
        }
        // What others need stops after them.
        for machine in machines {
            let Some(stop) = stops.get(machine.spec.name.as_str()).copied() else { continue };
            let running = |stage: Option<Stage>| stage.is_some_and(|stage| stage != Stage::Created);
            for need in machine.spec.needs.iter().filter(|need| running(need.stage)) {
                if let Some(needed) = stops.get(need.name.as_str()) {
                    self.need(*needed, Some(stop));
                }
            }
        }
        for machine in machines {
            let stop = stops.get(machine.spec.name.as_str());
            let upstream = machine.spec.upstream.as_deref().and_then(|upstream| stops.get(upstream));
            // A router can need a machine behind it.
            if let (Some(stop), Some(upstream)) = (stop, upstream)
                && !self.waits_for(*stop, *upstream)
            {
                self.need(*upstream, Some(*stop));
            }
        }
    }

    pub(super) fn stop(&mut self, machine: &'a RecordedMachine, reason: &'static str) -> u32 {
        let undone = undo(UndoKind::Start);
        let kind = (StepKind::MachineStop, Action::Update);
        self.add(&machine.spec, kind, reason, (Work::StopMachine, undone), None)
    }

    /// Does a step wait for another one, directly or through others?
    fn waits_for(&self, step: u32, other: u32) -> bool {
        let mut seen = BTreeSet::from([step]);
        let mut open = vec![step];
        while let Some(at) = open.pop() {
            if at == other {
                return true;
            }
            open.extend(self.steps[at as usize].needs.iter().filter(|need| seen.insert(**need)));
        }
        false
    }
}
