//! The outcome of a job from the end of its plan.

use jiff::Timestamp;
use model::{
    Code, Detail, Ending, FailedPlanStep, JournalEntry, LeftPlanStep, Outcome, Phase, RangeDetail, RangeGoal,
    RangeState, Reason, StepState,
};
use range::Plan;

/// How a plan ended for its range.
pub(super) fn range_state(ending: saga::Ending, is_empty: bool, was_empty: bool) -> RangeState {
    match ending {
        saga::Ending::Succeeded if is_empty => RangeState::Empty,
        saga::Ending::Succeeded => RangeState::Ready,
        saga::Ending::Clean if was_empty && is_empty => RangeState::Empty,
        saga::Ending::Clean | saga::Ending::Kept => RangeState::Incomplete,
        saga::Ending::Left => RangeState::Left,
    }
}

/// The outcome of the job.
pub(super) fn outcome(
    plan: &Plan,
    entries: &[JournalEntry],
    end: &saga::Outcome,
    goal: RangeGoal,
    now: Timestamp,
) -> Outcome {
    let detail = detail(plan, entries, end);
    let is_rolled_back = goal == RangeGoal::Rollback && end.ending == saga::Ending::Clean;
    let (ending, reason) = if is_rolled_back {
        let message = "what the plan created was removed";
        (Ending::Succeeded, Reason::new(None, Code::Succeeded, message))
    } else if end.ending == saga::Ending::Succeeded {
        let message = format!("{} of {} steps are done", detail.done, detail.steps);
        (Ending::Succeeded, Reason::new(None, Code::Succeeded, message))
    } else {
        let code = match end.ending {
            _ if end.canceled => Code::Canceled,
            saga::Ending::Left => Code::PlanLeft,
            _ => Code::PlanFailed,
        };
        let ending = if end.canceled { Ending::Canceled } else { Ending::Failed };
        (ending, Reason::new(Some(Phase::Run), code, message(&detail, end)))
    };
    Outcome { ending, reason, detail: Detail::Range(detail), started_at: None, finished_at: now }
}

fn detail(plan: &Plan, entries: &[JournalEntry], end: &saga::Outcome) -> RangeDetail {
    let of = |step: u32| plan.steps.get(step as usize);
    let kind = |step: u32| of(step).map_or_else(String::new, |step| step.kind.as_str().to_owned());
    let name = |step: u32| of(step).map_or_else(String::new, |step| step.name.clone());
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    RangeDetail {
        steps: count(plan.steps.len()),
        done: count(entries.iter().filter(|entry| entry.state == StepState::Done).count()),
        failed: end
            .failures
            .iter()
            .map(|failed| FailedPlanStep {
                step: failed.step,
                kind: kind(failed.step),
                name: name(failed.step),
                why: failed.why.clone(),
            })
            .collect(),
        left: end
            .left
            .iter()
            .map(|left| LeftPlanStep {
                step: left.step,
                kind: kind(left.step),
                name: name(left.step),
                why: left.why.clone(),
                remedy: left.remedy.clone(),
            })
            .collect(),
    }
}

fn message(detail: &RangeDetail, end: &saga::Outcome) -> String {
    let first =
        detail.failed.first().map(|failed| format!("{} `{}`: {}", failed.kind, failed.name, failed.why));
    let first = first.unwrap_or_else(|| "the plan was canceled".to_owned());
    let more = match detail.failed.len() {
        0 | 1 => String::new(),
        failed => format!(" (and {} more steps)", failed - 1),
    };
    let rest = match end.ending {
        saga::Ending::Succeeded => "",
        saga::Ending::Clean => "; what the plan created was removed",
        saga::Ending::Kept => "; what the plan created is kept: resume it, or roll it back",
        saga::Ending::Left => "; what the plan created was removed, except for some steps",
    };
    format!("{first}{more}{rest}")
}
