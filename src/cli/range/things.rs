//! The things that a plan changes: several steps are about one machine, and people read about the machine.

use std::collections::HashMap;

use api::{FieldChange, Plan, PlanStep, StepAction, StepKind};

/// What a thing is, in the order in which things are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Category {
    Network,
    Machine,
    Router,
    Snapshot,
    Task,
    Verification,
}

impl Category {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Machine => "machine",
            Self::Router => "router",
            Self::Snapshot => "snapshot of",
            Self::Task => "task",
            Self::Verification => "verification",
        }
    }

    pub(super) const fn of(kind: StepKind) -> Self {
        match kind {
            StepKind::NetworkEnsure | StepKind::NetworkRemove => Self::Network,
            StepKind::MachineEnsure
            | StepKind::MachineStart
            | StepKind::MachineStop
            | StepKind::MachineWait
            | StepKind::MachineRemove => Self::Machine,
            StepKind::RulesEnsure | StepKind::RulesRemove => Self::Router,
            StepKind::Playbook | StepKind::TaskForget => Self::Task,
            StepKind::SnapshotTake | StepKind::SnapshotRevert | StepKind::SnapshotRemove => Self::Snapshot,
            StepKind::Verify => Self::Verification,
        }
    }
}

/// What happens to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Create,
    Update,
    Replace,
    Delete,
    /// A task is run, or packets are sent.
    Run,
}

impl Fate {
    /// The sign of OpenTofu, three characters wide; `>` for what is run.
    pub(super) const fn sign(self) -> &'static str {
        match self {
            Self::Create => "  +",
            Self::Update => "  ~",
            Self::Replace => "-/+",
            Self::Delete => "  -",
            Self::Run => "  >",
        }
    }
}

/// A thing, and what happens to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Thing<'a> {
    pub(super) category: Category,
    pub(super) name: &'a str,
    pub(super) fate: Fate,
    pub(super) reason: &'a str,
    pub(super) changes: Vec<&'a FieldChange>,
    /// Whether a running machine is stopped and started for it.
    pub(super) restarts: bool,
    /// The step that creates or changes it, or else its first.
    pub(super) step: &'a PlanStep,
}

impl<'a> Thing<'a> {
    fn of(category: Category, step: &'a PlanStep) -> Self {
        Self {
            category,
            name: &step.name,
            fate: fate(category, step),
            reason: &step.reason,
            changes: Vec::new(),
            restarts: false,
            step,
        }
    }

    fn add(&mut self, step: &'a PlanStep) {
        self.changes.extend(&step.changes);
        self.restarts |= step.kind == StepKind::MachineStop;
        if is_main(step.kind) {
            (self.reason, self.step) = (&step.reason, step);
            self.fate = fate(self.category, step);
        }
    }
}

/// A step that others of the same thing only prepare or follow.
const fn is_main(kind: StepKind) -> bool {
    matches!(
        kind,
        StepKind::NetworkEnsure | StepKind::MachineEnsure | StepKind::RulesEnsure | StepKind::Playbook
    )
}

fn fate(category: Category, step: &PlanStep) -> Fate {
    match (category, step.kind, step.action) {
        (_, StepKind::Playbook | StepKind::Verify, _) => Fate::Run,
        (.., StepAction::Create) => Fate::Create,
        (.., StepAction::Update) => Fate::Update,
        (.., StepAction::Replace) => Fate::Replace,
        (.., StepAction::Delete) => Fate::Delete,
    }
}

/// The things of a plan: by category, then in the order of their steps.
pub(super) fn things(plan: &Plan) -> Vec<Thing<'_>> {
    let mut found: Vec<Thing<'_>> = Vec::new();
    let mut places = HashMap::new();
    for step in &plan.steps {
        let category = Category::of(step.kind);
        let place = *places.entry((category, step.name.as_str())).or_insert_with(|| {
            found.push(Thing::of(category, step));
            found.len() - 1
        });
        found[place].add(step);
    }
    found.sort_by_key(|thing| thing.category);
    found
}
