//! The steps of a plan while they are made.

use std::{borrow::Cow, collections::HashMap};

use crate::{
    expand::spec::{Desired, MachineSpec},
    layout::number,
    plan::{
        DurationKey, Inputs, Kept,
        changes::Changes,
        recorded::Recorded,
        step::{Action, Change, Step, StepKind, Undo, UndoKind, Work},
    },
};

/// Why a machine that existed before exists in the plan.
pub(super) enum Fate {
    Keep,
    Change(Changes),
    Replace(Changes),
}

/// The steps of one machine.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct OfMachine {
    pub(super) remove: Option<u32>,
    pub(super) stop: Option<u32>,
    pub(super) ensure: Option<u32>,
    pub(super) start: Option<u32>,
    pub(super) wait: Option<u32>,
    pub(super) rules: Option<u32>,
}

impl OfMachine {
    /// The step after which the machine can be worked with.
    pub(super) const fn available(&self) -> Option<u32> {
        match (self.wait, self.ensure) {
            (Some(wait), _) => Some(wait),
            (None, ensure) => ensure,
        }
    }
}

pub(super) struct Builder<'a> {
    pub(super) desired: &'a Desired,
    pub(super) recorded: &'a Recorded,
    pub(super) inputs: &'a Inputs<'a>,
    pub(super) steps: Vec<Step>,
    pub(super) kept: Kept,
    /// The steps of each machine: those of the document in its order, then those that are only recorded.
    machines: Vec<OfMachine>,
    places: HashMap<&'a str, usize>,
    pub(super) network_ensure: HashMap<&'a str, u32>,
    pub(super) network_remove: HashMap<&'a str, u32>,
    /// Steps that run a task, by task, and by each machine that they run on.
    pub(super) task_runs: HashMap<&'a str, u32>,
    pub(super) runs_on: HashMap<&'a str, Vec<u32>>,
}

/// A step before its number and estimate.
pub(super) struct Draft {
    pub(super) kind: StepKind,
    pub(super) name: String,
    pub(super) instance: String,
    pub(super) action: Action,
    pub(super) reason: Cow<'static, str>,
    pub(super) changes: Vec<Change>,
    pub(super) undo: Undo,
    pub(super) work: Work,
}

pub(super) const fn undo(kind: UndoKind) -> Undo {
    Undo { kind, why: Cow::Borrowed("") }
}

pub(super) const fn no_undo(why: &'static str) -> Undo {
    Undo { kind: UndoKind::Nothing, why: Cow::Borrowed(why) }
}

pub(super) const GONE: Undo = no_undo("what was removed cannot be brought back");

impl<'a> Builder<'a> {
    pub(super) fn new(desired: &'a Desired, recorded: &'a Recorded, inputs: &'a Inputs<'a>) -> Self {
        let places = desired.machines.iter().map(|machine| machine.name.as_str()).zip(0..);
        Self {
            desired,
            recorded,
            inputs,
            steps: Vec::with_capacity(
                5 * desired.machines.len() + desired.networks.len() + desired.tasks.len(),
            ),
            kept: Kept::default(),
            machines: vec![OfMachine::default(); desired.machines.len()],
            places: places.collect(),
            network_ensure: HashMap::with_capacity(desired.networks.len()),
            network_remove: HashMap::new(),
            task_runs: HashMap::with_capacity(desired.tasks.len()),
            runs_on: HashMap::new(),
        }
    }

    /// The steps of a machine by its name.
    pub(super) fn of(&self, machine: &str) -> OfMachine {
        self.places.get(machine).map_or_else(OfMachine::default, |place| self.machines[*place])
    }

    /// The place of a machine that is desired or recorded.
    pub(super) fn place_of(&mut self, machine: &'a str) -> usize {
        let next = self.machines.len();
        let place = *self.places.entry(machine).or_insert(next);
        if place == next {
            self.machines.push(OfMachine::default());
        }
        place
    }

    /// The place of a desired machine, if a machine of this name is desired.
    pub(super) fn desired_place(&self, machine: &str) -> Option<usize> {
        self.places.get(machine).copied().filter(|place| *place < self.desired.machines.len())
    }

    /// The machine with this name, as it is desired, or else as it is recorded.
    fn machine(&self, name: &str) -> Option<&'a MachineSpec> {
        let recorded = || self.recorded.machines.get(name).map(|machine| &*machine.spec);
        self.desired_place(name).map(|place| &*self.desired.machines[place]).or_else(recorded)
    }

    /// The steps of the machine at a place.
    pub(super) fn at(&mut self, place: usize) -> &mut OfMachine {
        &mut self.machines[place]
    }

    /// Adds a step.
    pub(super) fn add(&mut self, draft: Draft) -> u32 {
        let id = number(self.steps.len());
        let Draft { kind, name, instance, action, reason, changes, undo, work } = draft;
        let machine = self.machine(&name);
        let estimate =
            self.inputs.estimates.of(&DurationKey::of(kind, &work, machine), &self.inputs.rules.durations);
        let needs = Vec::new();
        self.steps.push(Step {
            id,
            kind,
            name,
            instance,
            action,
            reason,
            changes,
            needs,
            estimate,
            remaining_ms: 0,
            undo,
            work,
        });
        id
    }

    /// Records that a step waits for another one, if there is one.
    pub(super) fn need(&mut self, step: u32, needed: Option<u32>) {
        if let Some(needed) = needed.filter(|needed| *needed != step) {
            self.steps[step as usize].needs.push(needed);
        }
    }
}
