//! Plans of ranges.

use engine::LastPlan;
use range::plan::{Plan, Step, Work};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{time::time, words};

/// A plan, without how far its steps have come.
pub(crate) fn plan(plan: &Plan) -> api::Plan {
    let totals = |totals: &range::platform_rules::Totals| {
        let range::platform_rules::Totals { machines, networks, cores, memory_mb, disk_gb } = *totals;
        api::Totals { machines, networks, cores, memory_mb, disk_gb }
    };
    let destroyed = |lost: &range::plan::Destroyed| api::Destroyed {
        kind: words::step_kind(lost.kind),
        name: lost.name.clone(),
        replaced: lost.replaced,
        reason: lost.reason.clone(),
    };
    let cost = |cost: &range::plan::Cost| api::Cost {
        currency: cost.currency.clone(),
        before: cost.before,
        after: cost.after,
    };
    let range::plan::Kept { networks, machines, routers, tasks } = plan.kept.clone();
    api::Plan {
        id: None,
        job: None,
        phase: None,
        created_at: None,
        range: plan.range.clone(),
        platform: plan.platform.clone(),
        steps: plan.steps.iter().map(step).collect(),
        kept: api::Kept { networks, machines, routers, tasks },
        critical_path: plan.critical_path.clone(),
        duration_ms: plan.duration_ms,
        before: totals(&plan.before),
        after: totals(&plan.after),
        cost: plan.cost.as_ref().map(cost),
        destroyed: plan.destroyed.iter().map(destroyed).collect(),
        digest: plan.digest.clone(),
    }
}

/// The last plan of a range, with the state of each step.
pub(in crate::http) fn last_plan(last: &LastPlan) -> api::Plan {
    let mut shown = plan(&last.plan);
    shown.id = Some(last.stored.id.to_string());
    shown.job = Some(last.stored.job.to_string().into());
    shown.created_at = Some(time(last.stored.created_at));
    let phase = last.journal.as_ref().map_or(last.stored.phase, |journal| journal.phase);
    shown.phase = Some(words::plan_phase(phase));
    let entries = last.journal.as_ref().map_or(&[][..], |journal| &journal.entries);
    for (place, step) in shown.steps.iter_mut().enumerate() {
        let Some(entry) = entries.get(place) else {
            step.state = Some(api::StepState::Pending);
            continue;
        };
        step.state = Some(words::step_state(entry.state));
        step.why.clone_from(&entry.why);
        step.remedy.clone_from(&entry.remedy);
        step.took_ms = entry.took_ms;
        step.output.clone_from(&entry.output);
    }
    shown
}

fn step(step: &Step) -> api::PlanStep {
    let change = |change: &range::plan::Change| api::FieldChange {
        field: change.field.to_string(),
        from: change.from.clone(),
        to: change.to.clone(),
    };
    api::PlanStep {
        id: step.id,
        kind: words::step_kind(step.kind),
        name: step.name.clone(),
        instance: step.instance.clone(),
        action: words::step_action(step.action),
        reason: step.reason.to_string(),
        changes: step.changes.iter().map(change).collect(),
        needs: step.needs.clone(),
        estimate: api::Estimate {
            ms: step.estimate.ms,
            source: words::estimate_source(step.estimate.source),
        },
        remaining_ms: step.remaining_ms,
        undo: api::Undo { kind: words::undo_kind(step.undo.kind), why: step.undo.why.to_string() },
        specification: specification(&step.work),
        state: None,
        why: None,
        remedy: None,
        took_ms: None,
        output: None,
    }
}

/// What a step works with. Values of variables, and rules that all routers share, are left out.
fn specification(work: &Work) -> Map<String, Value> {
    match work {
        Work::EnsureNetwork { network, .. } | Work::RemoveNetwork { network } => fields(&**network, &[]),
        Work::EnsureMachine { machine, .. } | Work::RemoveMachine { machine } => fields(&**machine, &[]),
        Work::EnsureRules { router, .. } | Work::RemoveRules { router } => fields(&**router, &["rules"]),
        Work::WaitMachine { ready: Some(ready) } => fields(ready, &[]),
        Work::RunTask { task, machines } => {
            let mut fields = fields(&**task, &["vars", "variables"]);
            fields.insert("machines".to_owned(), machines.clone().into());
            fields
        }
        Work::TakeSnapshot { snapshot }
        | Work::RevertSnapshot { snapshot }
        | Work::RemoveSnapshot { snapshot } => {
            Map::from_iter([("snapshot".to_owned(), Value::String(snapshot.clone()))])
        }
        Work::StartMachine | Work::StopMachine | Work::WaitMachine { ready: None } => Map::new(),
        Work::ForgetTask | Work::Verify => Map::new(),
    }
}

fn fields(specification: &impl Serialize, left_out: &[&str]) -> Map<String, Value> {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(specification) else { return Map::new() };
    fields.retain(|name, _| !left_out.contains(&name.as_str()));
    fields
}
