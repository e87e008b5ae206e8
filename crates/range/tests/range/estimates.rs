//! How long steps will take: by history, by the platform, or by a constant.

use range::{
    Leases, PlatformRules, Recorded,
    plan::{Action, DurationKey, EstimateSource, Estimates, Inputs, Prices, StepKind, plan},
};
use serde_json::json;

use crate::plan::{SMALL, applied, expand, make, rules, shown};

/// A history of durations in milliseconds, by kind and subject.
fn history(durations: &[(StepKind, &str, &[u64])]) -> Estimates {
    Estimates::from_history(durations.iter().flat_map(|(kind, subject, all)| {
        let key = DurationKey { kind: *kind, is_change: false, subject: (*subject).to_owned().into() };
        all.iter().map(move |ms| (key.clone(), *ms))
    }))
}

#[test]
fn estimates_come_from_history_then_the_platform_then_a_constant() {
    let desired = expand(SMALL, &Leases::default());
    let rules = PlatformRules {
        durations: serde_json::from_value(json!({
            "machine.ensure": {"": 9_000}, "network.ensure": {"": 500}, "rules.ensure": {"": 90, "debian": 80}
        }))
        .unwrap(),
        ..rules()
    };
    let estimates = history(&[
        // One step that took much longer than usual has little weight.
        (StepKind::MachineEnsure, "debian", &[900, 60_000, 1_100]),
        (StepKind::MachineEnsure, "other", &[4_000]),
        (StepKind::MachineStart, "other", &[300, 500]),
        (StepKind::MachineStart, "", &[10]),
        (StepKind::Playbook, "site", &[7_000]),
    ]);
    let prices = Prices { currency: "EUR".to_owned(), core: 10_000, memory_gb: 2_000, disk_gb: 100 };
    let plan = plan(
        &desired,
        &Recorded::default(),
        &Inputs { rules: &rules, estimates: &estimates, prices: Some(&prices) },
    );
    let of = |kind: StepKind, name: &str| {
        plan.steps
            .iter()
            .find(|step| step.kind == kind && step.name == name)
            .map(|step| (step.estimate.ms, step.estimate.source))
    };
    assert_eq!(of(StepKind::MachineEnsure, "gw"), Some((1_100, EstimateSource::History)));
    assert_eq!(of(StepKind::MachineStart, "gw"), Some((400, EstimateSource::History)), "another template");
    assert_eq!(of(StepKind::NetworkEnsure, "dmz"), Some((500, EstimateSource::Platform)));
    assert_eq!(of(StepKind::RulesEnsure, "gw"), Some((80, EstimateSource::Platform)));
    assert_eq!(of(StepKind::MachineWait, "gw"), Some((40_000, EstimateSource::Constant)));
    assert_eq!(of(StepKind::Playbook, "base"), Some((60_000, EstimateSource::Constant)), "other content");
    assert_eq!(of(StepKind::Playbook, "app"), Some((7_000, EstimateSource::History)));
    // Three machines of one core, 1 GiB and 8 GiB.
    assert_eq!(
        json!(plan.cost),
        json!({"currency": "EUR", "before": 0, "after": 3 * (10_000 + 2_000 + 800)})
    );
    assert_eq!(
        plan.digest,
        make(&desired, &Recorded::default()).digest,
        "estimates and prices change no step"
    );
    assert!(plan.steps.iter().all(|step| step.action == Action::Create));
    assert_eq!(shown(&plan), shown(&make(&desired, &Recorded::default())), "nor their order");
}

#[test]
fn a_machine_is_created_and_changed_in_different_times() {
    let recorded = applied(SMALL);
    let changed = SMALL.replace("db: {template: debian,", "db: {template: debian, cores: 2,");
    let desired = expand(&changed, &Leases::default());
    let rules = rules();
    let estimates = history(&[(StepKind::MachineEnsure, "debian", &[20_000])]);
    let inputs = Inputs { rules: &rules, estimates: &estimates, prices: None };
    let plan = plan(&desired, &recorded, &inputs);
    let ensure = plan.steps.iter().find(|step| step.kind == StepKind::MachineEnsure).unwrap();
    assert_eq!(
        (ensure.action, ensure.estimate.source),
        (Action::Update, EstimateSource::Constant),
        "the history is of machines that were created"
    );
}
