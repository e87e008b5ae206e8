//! The progress of a plan as text: one line per change, or a picture that replaces the one before.

use std::time::Duration;

use api::{Plan, PlanStep, StepKind, StepState};

use super::paint::{Color, Paint, duration};

/// How many running steps a picture lists.
const LISTED: usize = 8;

/// How far a plan has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) ended: usize,
    pub(super) failed: usize,
    pub(super) steps: usize,
    /// Estimated remaining time in milliseconds.
    pub(super) eta_ms: u64,
}

fn state(step: &PlanStep) -> StepState {
    step.state.unwrap_or(StepState::Pending)
}

const fn is_running(state: StepState) -> bool {
    matches!(state, StepState::Started | StepState::Undoing)
}

/// Counts the steps. The remaining time is that of the longest chain of steps that have not ended, less what has passed of those
/// that are running.
pub(super) fn progress(plan: &Plan, elapsed: &impl Fn(u32) -> Duration) -> Progress {
    let mut progress = Progress { ended: 0, failed: 0, steps: plan.steps.len(), eta_ms: 0 };
    for step in &plan.steps {
        match state(step) {
            StepState::Done | StepState::Undone => progress.ended += 1,
            StepState::Failed | StepState::Left | StepState::Unknown => progress.failed += 1,
            StepState::Pending => progress.eta_ms = progress.eta_ms.max(step.remaining_ms),
            StepState::Started | StepState::Undoing => {
                // A step that takes longer than estimated is about to end, as far as is known.
                let passed =
                    u64::try_from(elapsed(step.id).as_millis()).unwrap_or(u64::MAX).min(step.estimate.ms);
                progress.eta_ms = progress.eta_ms.max(step.remaining_ms.saturating_sub(passed));
            }
        }
    }
    progress
}

/// A step in a few words.
pub(super) fn words(step: &PlanStep) -> String {
    let verb = match step.kind {
        StepKind::NetworkEnsure => "create network",
        StepKind::NetworkRemove => "remove network",
        StepKind::MachineEnsure => "create machine",
        StepKind::MachineStart => "start machine",
        StepKind::MachineStop => "stop machine",
        StepKind::MachineWait => "wait for machine",
        StepKind::MachineRemove => "remove machine",
        StepKind::RulesEnsure => "set rules of",
        StepKind::RulesRemove => "remove rules of",
        StepKind::Playbook => "run task",
        StepKind::TaskForget => "forget task",
        StepKind::Verify => "verify reachability",
        StepKind::SnapshotTake => "take snapshot of",
        StepKind::SnapshotRevert => "revert machine",
        StepKind::SnapshotRemove => "remove snapshot of",
    };
    let verb = match (step.kind, step.action) {
        (StepKind::NetworkEnsure, api::StepAction::Update) => "change network",
        (StepKind::MachineEnsure, api::StepAction::Update) => "change machine",
        _ => verb,
    };
    if step.name.is_empty() { verb.to_owned() } else { format!("{verb} {}", step.name) }
}

/// Lines for the steps whose state differs from what was shown before, for output that is not a terminal.
pub(super) fn lines(before: &[StepState], plan: &Plan, since: Duration) -> Vec<String> {
    let clock = duration(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
    let changed = plan
        .steps
        .iter()
        .enumerate()
        .filter(|(place, step)| state(step) != before.get(*place).copied().unwrap_or(StepState::Pending));
    changed.map(|(_, step)| format!("[{clock:>7}] {}", line(step))).collect()
}

fn line(step: &PlanStep) -> String {
    let took = step.took_ms.map_or_else(String::new, |ms| format!(" in {}", duration(ms)));
    let why = step.why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
    let remedy =
        step.remedy.as_ref().map_or_else(String::new, |remedy| format!("\n          remedy: {remedy}"));
    match state(step) {
        StepState::Pending => format!("waiting   {}", words(step)),
        StepState::Started => format!("started   {}", words(step)),
        StepState::Done => format!("done      {}{took}", words(step)),
        StepState::Failed => format!("failed    {}{why}", words(step)),
        StepState::Unknown => format!("unknown   {}{why}", words(step)),
        StepState::Undoing => format!("undoing   {}", words(step)),
        StepState::Undone => format!("undone    {}", words(step)),
        StepState::Left => format!("left      {}{why}{remedy}", words(step)),
    }
}

/// A picture of the present: a bar, the running steps with their times, and what failed.
pub(super) fn picture(
    plan: &Plan,
    since: Duration,
    elapsed: &impl Fn(u32) -> Duration,
    paint: Paint,
) -> Vec<String> {
    let found = progress(plan, elapsed);
    let mut lines = vec![format!(
        "{} {}/{} steps, {} elapsed, about {} left",
        bar(&found),
        found.ended,
        found.steps,
        millis(since),
        duration(found.eta_ms)
    )];
    let running: Vec<&PlanStep> = plan.steps.iter().filter(|step| is_running(state(step))).collect();
    for step in running.iter().take(LISTED) {
        let sign = if state(step) == StepState::Undoing { "undo " } else { "" };
        let times = format!("{} of about {}", millis(elapsed(step.id)), duration(step.estimate.ms));
        lines.push(format!("  {sign}{}  {}", words(step), paint.text(Color::Dim, &times)));
    }
    if running.len() > LISTED {
        lines.push(format!("  and {} more", running.len() - LISTED));
    }
    let failed = plan
        .steps
        .iter()
        .filter(|step| matches!(state(step), StepState::Failed | StepState::Left | StepState::Unknown));
    lines.extend(failed.take(LISTED).map(|step| paint.text(Color::Red, &format!("  {}", line(step)))));
    lines
}

fn millis(time: Duration) -> String {
    // Whole seconds: a picture is drawn about once per second.
    duration(time.as_secs() * 1000).replace("0ms", "0s")
}

const WIDTH: usize = 24;

fn bar(progress: &Progress) -> String {
    let full = (progress.ended * WIDTH).checked_div(progress.steps).unwrap_or(WIDTH);
    format!("[{}{}]", "#".repeat(full), ".".repeat(WIDTH - full))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plan() -> Plan {
        let step = |id: u32, kind: &str, name: &str, remaining: u64, more: serde_json::Value| {
            let mut step = json!({
                "id": id, "kind": kind, "name": name, "instance": "", "action": "create", "reason": "", "needs": [],
                "estimate": {"ms": 10_000, "source": "constant"}, "remaining_ms": remaining, "undo": {"kind": "nothing"},
            });
            for (name, value) in more.as_object().expect("an object") {
                step[name] = value.clone();
            }
            step
        };
        serde_json::from_value(json!({
            "range": "lab", "platform": "simulated",
            "steps": [
                step(0, "network.ensure", "dmz", 40_000, json!({"state": "done", "took_ms": 1_200})),
                step(1, "machine.ensure", "web", 30_000, json!({"state": "started"})),
                step(2, "machine.start", "web", 20_000, json!({"state": "pending"})),
                step(3, "machine.ensure", "db", 20_000, json!({"state": "failed", "why": "no disk"})),
            ],
            "kept": {"networks": [], "machines": [], "routers": [], "tasks": []}, "critical_path": [], "duration_ms": 40_000,
            "before": {"machines": 0, "networks": 0, "cores": 0, "memory_mb": 0, "disk_gb": 0},
            "after": {"machines": 0, "networks": 0, "cores": 0, "memory_mb": 0, "disk_gb": 0}, "destroyed": [], "digest": "",
        }))
        .expect("a plan")
    }

    #[test]
    fn the_remaining_time_is_that_of_the_longest_chain_less_what_has_passed() {
        let found = progress(&plan(), &|_| Duration::from_secs(4));
        assert_eq!(found, Progress { ended: 1, failed: 1, steps: 4, eta_ms: 26_000 });
        let overdue = progress(&plan(), &|_| Duration::from_secs(400));
        assert_eq!(overdue.eta_ms, 20_000, "it ends soon, and others follow");
    }

    #[test]
    fn only_changes_are_printed_where_there_is_no_terminal() {
        let before = [StepState::Started, StepState::Started];
        let printed = lines(&before, &plan(), Duration::from_secs(61));
        assert_eq!(
            printed,
            [
                "[  1m 1s] done      create network dmz in 1s",
                "[  1m 1s] failed    create machine db: no disk"
            ]
        );
    }

    #[test]
    fn a_picture_has_a_bar_the_running_steps_and_the_failed_ones() {
        let drawn = picture(&plan(), Duration::from_secs(5), &|_| Duration::from_secs(4), Paint::OFF);
        assert_eq!(
            drawn,
            [
                "[######..................] 1/4 steps, 5s elapsed, about 26s left",
                "  create machine web  4s of about 10s",
                "  failed    create machine db: no disk",
            ]
        );
    }
}
