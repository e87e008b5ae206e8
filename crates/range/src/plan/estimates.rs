//! How long steps take: by the history of the same step, else by the platform, else by a constant.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::step::{Estimate, EstimateSource, StepKind, Work};

/// What is known of the duration of steps, in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Estimates {
    /// Of earlier steps, by kind and by what the step is about: a template or the name of content; empty for other kinds.
    pub history: BTreeMap<StepKind, BTreeMap<String, u64>>,
    /// Of the platform, by kind.
    pub platform: BTreeMap<StepKind, u64>,
}

impl Estimates {
    /// How long a step will take.
    #[must_use]
    pub fn of(&self, kind: StepKind, work: &Work) -> Estimate {
        let history = self.history.get(&kind).and_then(|of_kind| of_kind.get(subject(work)));
        match (history, self.platform.get(&kind)) {
            (Some(ms), _) => Estimate { ms: *ms, source: EstimateSource::History },
            (None, Some(ms)) => Estimate { ms: *ms, source: EstimateSource::Platform },
            (None, None) => Estimate { ms: constant(kind), source: EstimateSource::Constant },
        }
    }
}

/// What the history of a step goes by.
#[must_use]
pub fn subject(work: &Work) -> &str {
    match work {
        Work::EnsureMachine { machine, .. } | Work::RemoveMachine { machine } => {
            machine.template.as_deref().unwrap_or_default()
        }
        Work::RunTask { task, .. } => &task.content,
        _ => "",
    }
}

/// Typical of a hypervisor with full clones.
const fn constant(kind: StepKind) -> u64 {
    match kind {
        StepKind::NetworkEnsure | StepKind::NetworkRemove => 2_000,
        StepKind::MachineEnsure => 30_000,
        StepKind::MachineStart => 5_000,
        StepKind::MachineStop => 10_000,
        StepKind::MachineWait => 40_000,
        StepKind::MachineRemove => 10_000,
        StepKind::RulesEnsure | StepKind::RulesRemove => 10_000,
        StepKind::Playbook => 60_000,
        StepKind::TaskForget => 0,
        StepKind::Verify | StepKind::SnapshotTake => 10_000,
        StepKind::SnapshotRevert => 15_000,
        StepKind::SnapshotRemove => 5_000,
    }
}
