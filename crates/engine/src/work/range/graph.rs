//! The graph of a saga from a plan.

use std::time::Duration;

use platform::{Owner, ThingKind};
use range::{
    Plan,
    document::Ready,
    plan::{Step, Work},
};
use saga::{BadGraph, Class, Graph};

/// How much longer the step may take that waits for a machine: the platform reports first why the machine isn't ready.
const REPORT_LIMIT: Duration = Duration::from_mins(1);
/// How long a single call to a platform may take.
const CALL_LIMIT: Duration = Duration::from_mins(10);
/// How long a child job may take, its time in the queue included. It has limits of its own.
const TASK_LIMIT: Duration = Duration::from_hours(7 * 24);

/// What a step is about on its platform.
pub(super) const fn thing_kind(work: &Work) -> Option<ThingKind> {
    match work {
        Work::EnsureNetwork { .. } | Work::RemoveNetwork { .. } => Some(ThingKind::Network),
        Work::EnsureMachine { .. }
        | Work::RemoveMachine { .. }
        | Work::StartMachine
        | Work::StopMachine
        | Work::TakeSnapshot { .. }
        | Work::RevertSnapshot { .. }
        | Work::RemoveSnapshot { .. }
        | Work::WaitMachine { .. } => Some(ThingKind::Machine),
        Work::EnsureRules { .. } | Work::RemoveRules { .. } => Some(ThingKind::Rules),
        Work::RunTask { .. } | Work::ForgetTask | Work::Verify => None,
    }
}

/// Is a step a child job? Tasks are, and rules where the platform sets none.
pub(super) fn is_job(work: &Work, sets_rules: bool) -> bool {
    match thing_kind(work) {
        None => true,
        Some(ThingKind::Rules) => !sets_rules,
        Some(ThingKind::Network | ThingKind::Machine) => false,
    }
}

/// How long a machine may take until it is ready: as its document says, otherwise `usual`.
pub(super) fn ready_limit(ready: Option<Ready>, usual: Duration) -> Duration {
    let within = ready.and_then(|ready| ready.within);
    within.map_or(usual, |within| Duration::from_secs(within.seconds.into()))
}

/// The graph of a plan. Calls to the platform count against one class, `calls` at once. Does the platform set rules itself?
/// `ready_within` applies to machines whose document has no limit.
pub(super) fn graph(
    plan: &Plan,
    owner: &Owner,
    calls: usize,
    sets_rules: bool,
    ready_within: Duration,
) -> Result<Graph, BadGraph> {
    let class = Class { name: format!("platform `{}`", plan.platform), limit: calls };
    let steps = plan.steps.iter().map(|step| saga::Step {
        kind: step.kind.as_str().to_owned(),
        subject: step.name.clone(),
        tag: tag(owner, step),
        needs: step.needs.clone(),
        classes: if is_call(&step.work, sets_rules) { vec![0] } else { Vec::new() },
        estimate: Duration::from_millis(step.estimate.ms),
        limit: match step.work {
            Work::WaitMachine { ready } => ready_limit(ready, ready_within) + REPORT_LIMIT,
            _ if is_job(&step.work, sets_rules) => TASK_LIMIT,
            _ => CALL_LIMIT,
        },
    });
    Graph::new(steps.collect(), vec![class])
}

/// Is it a call that the platform has to work for? A machine that boots would keep others from being created.
fn is_call(work: &Work, sets_rules: bool) -> bool {
    !is_job(work, sets_rules) && !matches!(work, Work::WaitMachine { .. })
}

/// What the result of a step is found by: the mark of the range, and the name of the thing.
fn tag(owner: &Owner, step: &Step) -> String {
    format!("{owner} {} {}", step.kind.as_str(), step.name)
}
