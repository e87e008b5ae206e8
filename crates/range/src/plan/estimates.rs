//! How long steps take: by the history of comparable steps on the platform, else as long as usual there, else by a constant.

use std::{borrow::Cow, collections::BTreeMap};

use super::step::{Estimate, EstimateSource, StepKind, Work};
use crate::{expand::spec::MachineSpec, platform_rules::Durations};

/// What steps have in common that take about the same time on one platform.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DurationKey<'a> {
    /// The kind.
    pub kind: StepKind,
    /// Do they change something that exists, instead of creating it?
    pub is_change: bool,
    /// The template of the machine, or the name of the content; empty for others.
    pub subject: Cow<'a, str>,
}

impl<'a> DurationKey<'a> {
    /// The key of a step. `machine` is the machine with the name of the step, if there is one.
    #[must_use]
    pub fn of(kind: StepKind, work: &'a Work, machine: Option<&'a MachineSpec>) -> Self {
        let template = |machine: &'a MachineSpec| machine.template.as_deref().unwrap_or_default();
        let (is_change, subject) = match work {
            Work::EnsureMachine { machine, before } => (before.is_some(), template(machine)),
            Work::RemoveMachine { machine } => (false, template(machine)),
            Work::EnsureRules { before, .. } => (before.is_some(), machine.map_or("", template)),
            Work::StartMachine
            | Work::StopMachine
            | Work::WaitMachine { .. }
            | Work::RemoveRules { .. }
            | Work::TakeSnapshot { .. }
            | Work::RevertSnapshot { .. }
            | Work::RemoveSnapshot { .. } => (false, machine.map_or("", template)),
            Work::RunTask { task, .. } => (false, task.content.as_str()),
            Work::EnsureNetwork { before, .. } => (before.is_some(), ""),
            Work::RemoveNetwork { .. } | Work::ForgetTask | Work::Verify => (false, ""),
        };
        Self { kind, is_change, subject: Cow::Borrowed(subject) }
    }

    /// The same, independent of the step.
    #[must_use]
    pub fn into_owned(self) -> DurationKey<'static> {
        DurationKey { subject: Cow::Owned(self.subject.into_owned()), ..self }
    }

    /// Does a step for another template take a similar time? One that runs other content does not.
    fn resembles_others(&self) -> bool {
        !self.subject.is_empty() && self.kind != StepKind::Playbook
    }
}

/// How long steps took on a platform, in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Estimates {
    comparable: BTreeMap<DurationKey<'static>, u64>,
    /// Of machines of any template.
    any_template: BTreeMap<(StepKind, bool), u64>,
}

impl Estimates {
    /// Medians of the durations of earlier steps, in milliseconds.
    #[must_use]
    pub fn from_history(durations: impl IntoIterator<Item = (DurationKey<'static>, u64)>) -> Self {
        let mut comparable: BTreeMap<_, Vec<u64>> = BTreeMap::new();
        let mut any_template: BTreeMap<_, Vec<u64>> = BTreeMap::new();
        for (key, ms) in durations {
            if key.resembles_others() {
                any_template.entry((key.kind, key.is_change)).or_default().push(ms);
            }
            comparable.entry(key).or_default().push(ms);
        }
        Self { comparable: medians(comparable), any_template: medians(any_template) }
    }

    /// How long a step will take.
    #[must_use]
    pub fn of(&self, key: &DurationKey<'_>, usual: &Durations) -> Estimate {
        let of_any_template = || {
            let known = self.any_template.get(&(key.kind, key.is_change));
            known.filter(|_| key.resembles_others())
        };
        if let Some(ms) = self.comparable.get(key).or_else(of_any_template) {
            return Estimate { ms: *ms, source: EstimateSource::History };
        }
        let on_platform = usual.get(&key.kind);
        match on_platform.and_then(|by_subject| by_subject.get(&*key.subject).or_else(|| by_subject.get("")))
        {
            Some(ms) => Estimate { ms: *ms, source: EstimateSource::Platform },
            None => Estimate { ms: constant(key.kind), source: EstimateSource::Constant },
        }
    }
}

fn medians<K: Ord>(durations: BTreeMap<K, Vec<u64>>) -> BTreeMap<K, u64> {
    durations.into_iter().map(|(key, durations)| (key, median(durations))).collect()
}

/// The mean of the two in the middle if their number is even.
fn median(mut durations: Vec<u64>) -> u64 {
    durations.sort_unstable();
    let upper = durations.get(durations.len() / 2).copied().unwrap_or_default();
    let lower = durations.get(durations.len().saturating_sub(1) / 2).copied().unwrap_or_default();
    lower.midpoint(upper)
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
