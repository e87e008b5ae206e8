//! The steps of an action while they are made.

use std::{borrow::Cow, collections::HashMap};

use super::request::{ActionError, Scope};
use crate::{
    expand::spec::MachineSpec,
    layout::number,
    plan::{
        DurationKey, Inputs, Kept,
        recorded::{Recorded, RecordedMachine},
        step::{Action, Step, StepKind, Undo, UndoKind, Work},
    },
};

pub(super) struct Drafts<'a> {
    pub(super) recorded: &'a Recorded,
    pub(super) inputs: &'a Inputs<'a>,
    pub(super) steps: Vec<Step>,
    pub(super) kept: Kept,
    /// The step after which a machine is started, and the one after which it is ready.
    pub(super) started: HashMap<&'a str, u32>,
    pub(super) ready: HashMap<&'a str, u32>,
    /// The step that sets the rules of a router.
    pub(super) rules: HashMap<&'a str, u32>,
}

impl<'a> Drafts<'a> {
    pub(super) fn new(recorded: &'a Recorded, inputs: &'a Inputs<'a>) -> Self {
        Self {
            recorded,
            inputs,
            steps: Vec::new(),
            kept: Kept::default(),
            started: HashMap::new(),
            ready: HashMap::new(),
            rules: HashMap::new(),
        }
    }

    /// Adds a step about a machine.
    pub(super) fn add(
        &mut self,
        machine: &MachineSpec,
        (kind, action): (StepKind, Action),
        reason: impl Into<Cow<'static, str>>,
        (work, undo): (Work, Undo),
        needs: impl IntoIterator<Item = u32>,
    ) -> u32 {
        let id = number(self.steps.len());
        let key = DurationKey::of(kind, &work, Some(machine));
        let estimate = self.inputs.estimates.of(&key, &self.inputs.rules.durations);
        self.steps.push(Step {
            id,
            kind,
            name: machine.name.clone(),
            instance: machine.instance.clone(),
            action,
            reason: reason.into(),
            changes: Vec::new(),
            needs: needs.into_iter().collect(),
            estimate,
            remaining_ms: 0,
            undo,
            work,
        });
        id
    }

    pub(super) fn need(&mut self, step: u32, needed: Option<u32>) {
        if let Some(needed) = needed.filter(|needed| *needed != step) {
            self.steps[step as usize].needs.push(needed);
        }
    }
}

pub(super) const fn undo(kind: UndoKind) -> Undo {
    Undo { kind, why: Cow::Borrowed("") }
}

pub(super) const fn no_undo(why: &'static str) -> Undo {
    Undo { kind: UndoKind::Nothing, why: Cow::Borrowed(why) }
}

/// The machines of a scope, by name.
pub(super) fn chosen<'a>(
    recorded: &'a Recorded,
    scope: &Scope,
) -> Result<Vec<&'a RecordedMachine>, ActionError> {
    match scope {
        Scope::All => Ok(recorded.machines.values().collect()),
        Scope::Instance(instance) => {
            let of_instance = |machine: &&RecordedMachine| machine.spec.instance == *instance;
            let found: Vec<_> = recorded.machines.values().filter(of_instance).collect();
            if found.is_empty() { Err(ActionError::UnknownInstance(instance.clone())) } else { Ok(found) }
        }
        Scope::Machines(names) => {
            let mut names: Vec<&String> = names.iter().collect();
            names.sort();
            names.dedup();
            let find = |name: &String| {
                recorded.machines.get(name).ok_or_else(|| ActionError::UnknownMachine(name.clone()))
            };
            names.into_iter().map(find).collect()
        }
    }
}
