//! Plans as text, compared as a whole.

use serde_json::json;

use super::*;
use crate::cli::range::offline;

/// The plan of a document on default rules.
fn planned(yaml: &str) -> Plan {
    let value = range::document::text::parse(yaml, range::document::text::Format::Yaml).expect("YAML");
    let Value::Object(document) = value else { panic!("a mapping") };
    let new = api::NewRange { document, ..api::NewRange::default() };
    offline::plan("test", new).unwrap_or_else(|failure| panic!("{failure}"))
}

const SMALL: &str = "
name: lab
platform: simulated
networks: {dmz: {cidr: 10.0.1.0/24}}
machines:
  gw: {template: debian-12, role: router, networks: [dmz, uplink]}
  web: {template: debian-12, networks: [dmz], cores: 2, memory_mb: 2048, needs: [gw]}
tasks: [{name: base, bundle: basics, on: web}]
";

#[test]
fn a_new_range_is_shown_as_things_that_are_created_with_reasons_and_sums() {
    let text = plan(&planned(SMALL), Paint::OFF);
    assert_eq!(text, include_str!("new_range.txt"));
}

#[test]
fn signs_have_colors_on_a_terminal_only() {
    let shown = planned(SMALL);
    let colored = plan(&shown, Paint::ON);
    assert!(colored.contains("\u{1b}[32m  +\u{1b}[0m network"), "{colored}");
    assert!(!plan(&shown, Paint::OFF).contains('\u{1b}'));
}

#[test]
fn changes_replacements_and_removals_are_shown_with_fields_and_what_is_lost() {
    let step = |id: u32, kind: &str, name: &str, action: &str, changes: Value, reason: &str| {
        json!({
            "id": id, "kind": kind, "name": name, "instance": "", "action": action, "reason": reason, "changes": changes,
            "needs": [], "estimate": {"ms": 10000, "source": "constant"}, "remaining_ms": 10000, "undo": {"kind": "nothing"},
        })
    };
    let memory = json!([{"field": "memory_mb", "from": "1024", "to": "2048"}]);
    let template = json!([
        {"field": "template", "from": "debian-11", "to": "debian-12"}, {"field": "disk_gb", "from": "8", "to": "9"},
    ]);
    let totals = |machines: u64| json!({"machines": machines, "networks": 1, "cores": 4, "memory_mb": 2048, "disk_gb": 16});
    let shown: Plan = serde_json::from_value(json!({
        "range": "lab", "platform": "simulated",
        "steps": [
            step(0, "machine.remove", "old", "replace", json!([]), "`template` changes"),
            step(1, "machine.remove", "gone", "delete", json!([]), "the machine is not in the document any more"),
            step(2, "machine.stop", "web", "update", json!([]), "the machine is stopped for a change"),
            step(3, "machine.ensure", "web", "update", memory, "`memory_mb` changes from 1024 to 2048"),
            step(4, "machine.start", "web", "update", json!([]), "the change is done"),
            step(5, "machine.ensure", "old", "replace", template, "`template` changes"),
            step(6, "playbook", "base", "update", json!([]), "new machines"),
            step(7, "rules.ensure", "gw", "update", json!([{"field": "nat", "from": "false", "to": "true"}]), "`nat` changes"),
        ],
        "kept": {"networks": ["dmz"], "machines": [], "routers": [], "tasks": []},
        "critical_path": [0, 5], "duration_ms": 130_000, "before": totals(3), "after": totals(2),
        "cost": {"currency": "EUR", "before": 1_500_000, "after": 1_005_000},
        "destroyed": [
            {"kind": "machine.remove", "name": "old", "replaced": true, "reason": ""},
            {"kind": "machine.remove", "name": "gone", "replaced": false, "reason": ""},
        ],
        "digest": "d",
    }))
    .expect("a plan");
    assert_eq!(plan(&shown, Paint::OFF), include_str!("changes.txt"));
    assert_eq!(shown.summary(), api::PlanSummary { create: 0, update: 2, replace: 1, delete: 1, run: 1 });
}

#[test]
fn an_empty_plan_says_so() {
    let mut shown = planned(SMALL);
    shown.steps.clear();
    let text = plan(&shown, Paint::OFF);
    assert_eq!(
        text,
        "Range `lab` on platform `simulated`: nothing to do. What exists is what the document describes.\n"
    );
    assert_eq!(summary(&shown), "Plan: nothing to do.");
}

#[test]
fn a_long_critical_path_is_shortened_in_the_middle() {
    let machines: String = (0..20)
        .map(|n| {
            let needs = if n == 0 { String::new() } else { format!(", needs: [m{}]", n - 1) };
            format!("  m{n}: {{template: t, networks: [lan]{needs}}}\n")
        })
        .collect();
    let yaml = format!("name: long\nplatform: simulated\nnetworks: {{lan: {{}}}}\nmachines:\n{machines}");
    let text = critical_path(&planned(&yaml));
    assert_eq!(text.matches(" -> ").count(), LISTED_PATH - 1, "{text}");
    assert!(text.contains(" more) -> machine.wait m19"), "{text}");
}
