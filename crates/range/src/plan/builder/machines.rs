//! Machines: what becomes of each, and the steps for that.

use std::{borrow::Cow, collections::HashSet, sync::Arc};

use super::draft::{Builder, Draft, Fate, GONE, no_undo, undo};
use crate::{
    document::Stage,
    expand::spec::MachineSpec,
    plan::{
        changes::{self, Changes, Effect},
        step::{Action, Change, StepKind, UndoKind, Work},
    },
};

impl<'a> Builder<'a> {
    /// What becomes of every desired machine; `None` for one that does not exist.
    pub(super) fn fates(
        &self,
        replaced_networks: &HashSet<&str>,
    ) -> Vec<(&'a Arc<MachineSpec>, Option<Fate>)> {
        let networks: HashSet<&str> =
            self.desired.networks.iter().map(|network| network.name.as_str()).collect();
        let is_lost = |network: &str| {
            let is_removed = self.recorded.networks.contains_key(network) && !networks.contains(network);
            !self.inputs.rules.changes_subnets && (is_removed || replaced_networks.contains(network))
        };
        let fate = |machine: &'a Arc<MachineSpec>| {
            let Some(recorded) = self.recorded.machines.get(&machine.name) else { return (machine, None) };
            let mut changes = if Arc::ptr_eq(&recorded.spec, machine) {
                Changes::default()
            } else {
                changes::of_machine(&recorded.spec, machine)
            };
            if self.recorded.incomplete.contains(&machine.name) {
                changes.complete();
            }
            if let Some(nic) = recorded.spec.nics.iter().find(|nic| is_lost(&nic.network)) {
                let (from, to) = (nic.network.clone(), "removed".into());
                changes.list.push(Change { field: "attached network".into(), from, to });
                changes.effect = Some(Effect::Replace);
            }
            let fate = match changes.effect {
                None => Fate::Keep,
                Some(Effect::Replace) => Fate::Replace(changes),
                Some(Effect::InPlace | Effect::Restart) => Fate::Change(changes),
            };
            (machine, Some(fate))
        };
        self.desired.machines.iter().map(fate).collect()
    }

    /// Machines that are not desired, and those that are replaced; what needed a machine goes before it.
    pub(super) fn remove_machines(&mut self, fates: &[(&'a Arc<MachineSpec>, Option<Fate>)]) {
        let mut removed = Vec::new();
        for (name, recorded) in &self.recorded.machines {
            let (action, reason) = match self.desired_place(name).map(|place| &fates[place].1) {
                Some(Some(Fate::Replace(changes))) => (Action::Replace, changes.reason()),
                Some(_) => continue,
                None => (Action::Delete, "the machine is not in the document any more".into()),
            };
            let id = self.add(Draft {
                kind: StepKind::MachineRemove,
                name: name.clone(),
                instance: recorded.spec.instance.clone(),
                action,
                reason,
                changes: Vec::new(),
                undo: GONE,
                work: Work::RemoveMachine { machine: Arc::clone(&recorded.spec) },
            });
            let place = self.place_of(name);
            self.at(place).remove = Some(id);
            removed.push((id, &recorded.spec));
        }
        for (id, spec) in removed {
            for need in spec.needs.iter().filter(|need| need.stage.is_some()) {
                let needed = self.of(&need.name).remove;
                if let Some(needed) = needed {
                    self.need(needed, Some(id));
                }
            }
        }
    }

    pub(super) fn ensure_machines(&mut self, fates: Vec<(&'a Arc<MachineSpec>, Option<Fate>)>) {
        for (place, (machine, fate)) in fates.into_iter().enumerate() {
            let stage = self.recorded.machines.get(&machine.name).map(|recorded| recorded.stage);
            match fate {
                None => self.create(
                    place,
                    machine,
                    Action::Create,
                    "the machine does not exist".into(),
                    Vec::new(),
                ),
                Some(Fate::Replace(changes)) => {
                    self.create(place, machine, Action::Replace, changes.reason(), changes.list)
                }
                Some(Fate::Change(changes)) => {
                    self.change(place, machine, changes, stage.unwrap_or(Stage::Created))
                }
                Some(Fate::Keep) => match stage.unwrap_or(Stage::Created) {
                    Stage::Created => {
                        self.start(place, machine, Action::Update, "the machine is not started");
                        self.wait(place, machine, Action::Update, "the machine is started");
                    }
                    Stage::Started => {
                        self.wait(place, machine, Action::Update, "the machine was not ready yet")
                    }
                    Stage::Ready | Stage::Configured => self.kept.machines.push(machine.name.clone()),
                },
            }
        }
    }

    fn create(
        &mut self,
        place: usize,
        machine: &'a Arc<MachineSpec>,
        action: Action,
        reason: Cow<'static, str>,
        changes: Vec<Change>,
    ) {
        let id = self.add(Draft {
            kind: StepKind::MachineEnsure,
            name: machine.name.clone(),
            instance: machine.instance.clone(),
            action,
            reason,
            changes,
            undo: undo(UndoKind::Remove),
            work: Work::EnsureMachine { machine: Arc::clone(machine), before: None },
        });
        let steps = self.at(place);
        steps.ensure = Some(id);
        let removal = steps.remove;
        self.need(id, removal);
        self.start(place, machine, action, "the machine is new");
        self.wait(place, machine, action, "the machine is started");
    }

    fn change(&mut self, place: usize, machine: &'a Arc<MachineSpec>, changes: Changes, stage: Stage) {
        let restarts = changes.effect == Some(Effect::Restart) && stage != Stage::Created;
        if restarts {
            let id = self.add(Draft {
                kind: StepKind::MachineStop,
                name: machine.name.clone(),
                instance: machine.instance.clone(),
                action: Action::Update,
                reason: format!("the machine is stopped for a change: {}", changes.reason()).into(),
                changes: Vec::new(),
                undo: undo(UndoKind::Start),
                work: Work::StopMachine,
            });
            self.at(place).stop = Some(id);
        }
        let before = self.recorded.machines.get(&machine.name).map(|recorded| Arc::clone(&recorded.spec));
        let id = self.add(Draft {
            kind: StepKind::MachineEnsure,
            name: machine.name.clone(),
            instance: machine.instance.clone(),
            action: Action::Update,
            reason: changes.reason(),
            changes: changes.list,
            undo: undo(UndoKind::Restore),
            work: Work::EnsureMachine { machine: Arc::clone(machine), before },
        });
        let steps = self.at(place);
        steps.ensure = Some(id);
        let stop = steps.stop;
        self.need(id, stop);
        if restarts || stage == Stage::Created {
            self.start(
                place,
                machine,
                Action::Update,
                if restarts { "the change is done" } else { "the machine is not started" },
            );
        }
        if restarts || stage != Stage::Ready {
            self.wait(place, machine, Action::Update, "the machine is started");
        }
    }

    fn start(&mut self, place: usize, machine: &'a Arc<MachineSpec>, action: Action, reason: &'static str) {
        let id = self.add(Draft {
            kind: StepKind::MachineStart,
            name: machine.name.clone(),
            instance: machine.instance.clone(),
            action,
            reason: reason.into(),
            changes: Vec::new(),
            undo: undo(UndoKind::Stop),
            work: Work::StartMachine,
        });
        let steps = self.at(place);
        steps.start = Some(id);
        let ensure = steps.ensure;
        self.need(id, ensure);
    }

    fn wait(&mut self, place: usize, machine: &'a Arc<MachineSpec>, action: Action, reason: &'static str) {
        let id = self.add(Draft {
            kind: StepKind::MachineWait,
            name: machine.name.clone(),
            instance: machine.instance.clone(),
            action,
            reason: reason.into(),
            changes: Vec::new(),
            undo: no_undo("waiting changes nothing"),
            work: Work::WaitMachine { ready: machine.ready },
        });
        let steps = self.at(place);
        steps.wait = Some(id);
        let (start, ensure) = (steps.start, steps.ensure);
        self.need(id, start.or(ensure));
    }
}
