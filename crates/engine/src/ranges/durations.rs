//! How long steps take: recorded when a plan has ended, and read for the estimates of the next plan on the same platform.

use std::collections::{BTreeMap, HashMap};

use model::JournalEntry;
use range::{
    Desired, Plan, Recorded,
    expand::spec::MachineSpec,
    plan::{DurationKey, Estimates, StepKind},
};
use store::{PlanHolder, StepTime, Store};

use crate::clock;

/// How many durations are kept of comparable steps on a platform. Few, so that estimates follow a platform that becomes faster.
const KEPT: usize = 10;

/// Estimates from the steps that succeeded on a platform.
pub(super) async fn estimates(store: &Store, platform: &str) -> Result<Estimates, store::Error> {
    let times = store.step_times(platform).await?;
    Ok(Estimates::from_history(times.into_iter().filter_map(|time| {
        // A kind that a later version has recorded is unknown.
        let kind = StepKind::ALL.iter().copied().find(|kind| kind.as_str() == time.kind)?;
        let key = DurationKey { kind, is_change: time.is_change, subject: time.subject.into() };
        Some((key, time.took_ms))
    })))
}

/// Records how long the steps of a plan took. Without these records, later estimates are worse, so a failure is only logged.
pub(crate) async fn record(store: &Store, holder: PlanHolder, plan: &Plan, times: &[StepTime]) {
    if times.is_empty() {
        return;
    }
    let kept = u32::try_from(KEPT).unwrap_or(u32::MAX);
    let recorded = store.record_step_times(&plan.platform, holder.plan, clock::now(), times, kept).await;
    if let Err(error) = recorded {
        tracing::warn!(plan.id = %holder.plan, %error, "the durations of the steps of a plan are not recorded");
    }
}

/// How long the steps of a plan took that succeeded. `before` and `after` are the states of the range.
pub(crate) fn measured(
    plan: &Plan,
    entries: &[JournalEntry],
    before: &Recorded,
    after: &Desired,
) -> Vec<StepTime> {
    let recorded = before.machines.values().map(|machine| &*machine.spec);
    let machines: HashMap<&str, &MachineSpec> =
        recorded.chain(after.machines.iter().map(|machine| &**machine)).map(by_name).collect();
    let mut comparable: BTreeMap<DurationKey<'_>, Vec<(u32, u64)>> = BTreeMap::new();
    for (step, entry) in plan.steps.iter().zip(entries) {
        // A machine that boots while its wait has other needs to wait for takes longer than the wait.
        let boots_meanwhile = step.kind == StepKind::MachineWait && step.needs.len() > 1;
        let Some(took_ms) = entry.took_ms.filter(|_| !boots_meanwhile) else { continue };
        let key = DurationKey::of(step.kind, &step.work, machines.get(step.name.as_str()).copied());
        comparable.entry(key).or_default().push((step.id, took_ms));
    }
    let times = comparable.into_iter().flat_map(|(key, took)| {
        spread(&took, KEPT).into_iter().map(move |(step, took_ms)| StepTime {
            step,
            kind: key.kind.as_str().to_owned(),
            is_change: key.is_change,
            subject: key.subject.clone().into_owned(),
            took_ms,
        })
    });
    times.collect()
}

fn by_name(machine: &MachineSpec) -> (&str, &MachineSpec) {
    (machine.name.as_str(), machine)
}

/// At most so many of all, evenly spread: the first steps of a large plan can take longer than the last ones.
fn spread<T: Copy>(all: &[T], count: usize) -> Vec<T> {
    let count = count.min(all.len());
    (0..count).map(|place| all[place * all.len() / count]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_taken_from_the_whole_plan() {
        let all: Vec<usize> = (0..100).collect();
        assert_eq!(spread(&all, 4), [0, 25, 50, 75]);
        assert_eq!(spread(&all[..3], 4), [0, 1, 2]);
        assert!(spread(&all[..0], 4).is_empty());
    }
}
