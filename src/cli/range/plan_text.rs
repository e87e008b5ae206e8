//! A plan as text, in the form that users of OpenTofu and Terraform know.

use api::{Plan, PlanSummary, StepKind, Totals};
use serde_json::{Map, Value};

use super::{
    paint::{Color, Paint, duration},
    things::{Category, Fate, Thing, things},
};

/// How many steps of the critical path are listed.
const LISTED_PATH: usize = 12;

/// The plan: each thing with what happens to it and why, then the sums.
pub(super) fn plan(plan: &Plan, paint: Paint) -> String {
    let title = format!("Range `{}` on platform `{}`", plan.range, plan.platform);
    if plan.steps.is_empty() {
        return format!("{title}: nothing to do. What exists is what the document describes.\n");
    }
    let mut text = format!("{}\n\n", paint.text(Color::Bold, &format!("{title}:")));
    for thing in things(plan) {
        text += &described(&thing, paint);
    }
    text.push('\n');
    text += &paint.text(Color::Bold, &summary(plan));
    text.push('\n');
    text += &destroyed(plan, paint);
    text += &format!("Estimated time: {}\n", duration(plan.duration_ms));
    text += &format!("Critical path:  {}\n", critical_path(plan));
    text += &format!("Resources:      {}\n", resources(&plan.before, &plan.after));
    if let Some(cost) = &plan.cost {
        let (before, after) = (money(cost.before), money(cost.after));
        text += &format!("Cost per hour:  {before} -> {after} {}\n", cost.currency);
    }
    text
}

fn described(thing: &Thing<'_>, paint: Paint) -> String {
    let sign = match thing.fate {
        Fate::Create => paint.text(Color::Green, thing.fate.sign()),
        Fate::Update => paint.text(Color::Yellow, thing.fate.sign()),
        Fate::Delete => paint.text(Color::Red, thing.fate.sign()),
        Fate::Run => paint.text(Color::Cyan, thing.fate.sign()),
        Fate::Replace => {
            format!("{}/{}", paint.text(Color::Red, "-"), paint.text(Color::Green, "+"))
        }
    };
    let detail = match thing.fate {
        Fate::Delete => String::new(),
        _ => detail(thing.category, &thing.step.specification),
    };
    let mut text =
        format!("{sign} {} {}{detail}\n", thing.category.word(), paint.text(Color::Bold, thing.name));
    if thing.changes.is_empty() {
        text += &format!("      {}\n", paint.text(Color::Dim, &format!("# {}", thing.reason)));
    }
    let widest = thing.changes.iter().map(|change| change.field.chars().count()).max().unwrap_or(0);
    for change in &thing.changes {
        let (from, to) = (paint.text(Color::Red, &change.from), paint.text(Color::Green, &change.to));
        text += &format!("      {:widest$}  {from} -> {to}\n", change.field);
    }
    if thing.restarts {
        text += &format!("      {}\n", paint.text(Color::Dim, "# the machine is restarted"));
    }
    if thing.fate == Fate::Replace {
        text += &format!("      {}\n", paint.text(Color::Red, "# its data is lost"));
    }
    text
}

/// What a thing consists of, in a few words.
fn detail(category: Category, specification: &Map<String, Value>) -> String {
    let text = |name: &str| specification.get(name).and_then(Value::as_str);
    let number = |name: &str, unit: &str| {
        specification.get(name).and_then(Value::as_u64).map(|number| format!("{number} {unit}"))
    };
    let parts: Vec<String> = match category {
        Category::Network => text("cidr").map(str::to_owned).into_iter().collect(),
        Category::Machine => {
            let kind = text("template").or_else(|| text("kind")).map(str::to_owned);
            let parts = [
                kind,
                number("cores", "cores"),
                number("memory_mb", "MiB"),
                number("disk_gb", "GiB disk"),
                nics(specification),
            ];
            parts.into_iter().flatten().collect()
        }
        Category::Task => {
            let content = text("kind").zip(text("content")).map(|(kind, name)| format!("{kind} {name}"));
            let on = specification
                .get("machines")
                .and_then(Value::as_array)
                .map(|machines| format!("on {}", listed(machines.iter().filter_map(Value::as_str), 4)));
            content.into_iter().chain(on).collect()
        }
        Category::Snapshot => text("snapshot").map(str::to_owned).into_iter().collect(),
        Category::Router | Category::Verification => Vec::new(),
    };
    if parts.is_empty() { String::new() } else { format!("  ({})", parts.join(", ")) }
}

fn nics(specification: &Map<String, Value>) -> Option<String> {
    let nics = specification.get("nics").and_then(Value::as_array)?;
    let nic = |nic: &Value| match (nic["network"].as_str()?, nic["address"].as_str()) {
        (network, Some(address)) => Some(format!("{network} {address}")),
        (network, None) => Some(network.to_owned()),
    };
    let nics: Vec<String> = nics.iter().filter_map(nic).collect();
    (!nics.is_empty()).then(|| nics.join(", "))
}

/// The first names of a list, and how many follow.
fn listed<'a>(names: impl Iterator<Item = &'a str>, most: usize) -> String {
    let names: Vec<&str> = names.collect();
    match names.len().checked_sub(most) {
        None | Some(0) => names.join(", "),
        Some(more) => format!("{}, and {more} more", names[..most].join(", ")),
    }
}

/// `Plan: 3 to create, 1 to update, ...`
fn summary(plan: &Plan) -> String {
    counts(&plan.summary(), plan.steps.len())
}

/// The same of counts; without any, the number of steps is shown.
pub(super) fn counts(counts: &PlanSummary, steps: usize) -> String {
    let parts = [
        (counts.create, "to create"),
        (counts.update, "to update"),
        (counts.replace, "to replace"),
        (counts.delete, "to delete"),
        (counts.run, if counts.run == 1 { "task to run" } else { "tasks to run" }),
    ];
    let shown: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    match (shown.is_empty(), steps) {
        (true, 0) => "Plan: nothing to do.".to_owned(),
        (true, 1) => "Plan: 1 step.".to_owned(),
        (true, _) => format!("Plan: {steps} steps."),
        (false, _) => format!("Plan: {}.", shown.join(", ")),
    }
}

/// What is lost, each by its name: removals can't be undone.
fn destroyed(plan: &Plan, paint: Paint) -> String {
    if plan.destroyed.is_empty() {
        return String::new();
    }
    let mut text = paint.text(Color::Red, "Destroyed, with all data:");
    text.push('\n');
    for lost in &plan.destroyed {
        let again = if lost.replaced { ", then created again" } else { "" };
        text += &format!("  {} {}{again}\n", Category::of(lost.kind).word(), lost.name);
    }
    text
}

fn critical_path(plan: &Plan) -> String {
    let step = |id: &u32| {
        let step = plan.steps.get(*id as usize)?;
        Some(match step.kind {
            StepKind::Verify if step.name.is_empty() => step.kind.to_string(),
            kind => format!("{kind} {}", step.name),
        })
    };
    let steps: Vec<String> = plan.critical_path.iter().filter_map(step).collect();
    match steps.len() {
        0 => "none".to_owned(),
        count if count > LISTED_PATH => {
            let (head, tail) = (&steps[..LISTED_PATH - 2], &steps[count - 1..]);
            let skipped = count - LISTED_PATH + 1;
            format!("{} -> ({skipped} more) -> {}", head.join(" -> "), tail.join(" -> "))
        }
        _ => steps.join(" -> "),
    }
}

fn resources(before: &Totals, after: &Totals) -> String {
    let parts = [
        (before.machines, after.machines, if after.machines == 1 { "machine" } else { "machines" }),
        (before.networks, after.networks, if after.networks == 1 { "network" } else { "networks" }),
        (before.cores, after.cores, if after.cores == 1 { "core" } else { "cores" }),
        (before.memory_mb, after.memory_mb, "MiB memory"),
        (before.disk_gb, after.disk_gb, "GiB disk"),
    ];
    let part = |(from, to, unit): &(u64, u64, &str)| match from == to {
        true => format!("{to} {unit}"),
        false => format!("{from} -> {to} {unit}"),
    };
    parts.iter().map(part).collect::<Vec<_>>().join(", ")
}

/// Millionths with two digits after the point.
fn money(millionths: u64) -> String {
    format!("{}.{:02}", millionths / 1_000_000, millionths % 1_000_000 / 10_000)
}

#[cfg(test)]
mod tests;
