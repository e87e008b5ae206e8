//! Plans of random documents: carried out, the next plan is empty; from one document to another the difference suffices.

use proptest::{prelude::*, test_runner::RngSeed};
use range::{
    Desired, Document, Leases, Plan, PlatformRules, Recorded, Values, apply_to,
    document::OnFailure,
    plan::{Estimates, Inputs, plan},
};

use crate::random::documents;

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 96,
        rng_seed: RngSeed::Fixed(15),
        failure_persistence: None,
        max_global_rejects: 100_000,
        ..ProptestConfig::default()
    }
}

fn rules(changes_subnets: bool, reaches_machines: bool) -> PlatformRules {
    PlatformRules { changes_subnets, reaches_machines, ..PlatformRules::default() }
}

fn expand(document: &Document, leases: &Leases, rules: &PlatformRules) -> Desired {
    range::expand(document, &Values::default(), leases, rules).unwrap_or_else(|faults| panic!("{faults}"))
}

fn make(desired: &Desired, recorded: &Recorded, rules: &PlatformRules) -> Plan {
    let plan = plan(desired, recorded, &Inputs { rules, estimates: &Estimates::default(), prices: None });
    assert_sound(&plan);
    plan
}

/// Steps are numbered in order, and need earlier ones only.
fn assert_sound(plan: &Plan) {
    for (place, step) in plan.steps.iter().enumerate() {
        assert_eq!(step.id as usize, place);
        assert!(step.needs.iter().all(|need| *need < step.id), "a cycle of needs: {step:?}");
        assert!(!step.reason.is_empty(), "{step:?}");
    }
    let path: u64 = plan.critical_path.iter().map(|id| plan.steps[*id as usize].estimate.ms).sum();
    assert_eq!(path, plan.duration_ms);
    assert!(plan.critical_path.windows(2).all(|pair| plan.steps[pair[1] as usize].needs.contains(&pair[0])));
}

fn assert_empty(plan: &Plan) {
    let steps: Vec<_> = plan.steps.iter().map(|step| (step.kind, &step.name, &step.reason)).collect();
    assert!(plan.is_empty(), "not empty: {steps:#?}");
    assert!(plan.destroyed.is_empty() && plan.critical_path.is_empty() && plan.duration_ms == 0);
}

/// Everything that exists is what a fresh range of the document would be. Tasks are compared by name: where one ran before stays recorded.
fn assert_same_world(found: &Recorded, wanted: &Recorded) {
    assert_eq!(found.networks, wanted.networks);
    assert_eq!(found.machines, wanted.machines);
    assert_eq!(found.routers, wanted.routers);
    assert!(found.tasks.keys().eq(wanted.tasks.keys()));
    assert!(wanted.verified.is_subset(&found.verified));
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_plan_that_was_carried_out_leaves_nothing_to_do(document in documents(rules(true, false))) {
        let rules = rules(true, false);
        let desired = expand(&document, &Leases::default(), &rules);
        let first = make(&desired, &Recorded::default(), &rules);
        prop_assert_eq!(&first, &make(&desired, &Recorded::default(), &rules));
        let bytes = serde_json::to_vec(&first).unwrap();
        prop_assert_eq!(bytes, serde_json::to_vec(&make(&desired, &Recorded::default(), &rules)).unwrap());
        let recorded = apply_to(Recorded::default(), &first);
        let leases = desired.leases(&document);
        prop_assert_eq!(&expand(&document, &leases, &rules), &desired, "leases keep every address");
        assert_empty(&make(&expand(&document, &leases, &rules), &recorded, &rules));
        // What is recorded survives the store.
        let stored: Recorded = serde_json::from_value(serde_json::to_value(&recorded).unwrap()).unwrap();
        prop_assert_eq!(&stored, &recorded);
        assert_empty(&make(&desired, &stored, &rules));
    }

    #[test]
    fn two_documents_one_after_the_other_converge_by_the_difference(
        (changes_subnets, reaches, first, second) in (any::<bool>(), any::<bool>()).prop_flat_map(|(changes, reaches)| {
            (Just(changes), Just(reaches), documents(rules(changes, reaches)), documents(rules(changes, reaches)))
        })
    ) {
        let rules = rules(changes_subnets, reaches);
        let before = expand(&first, &Leases::default(), &rules);
        let recorded = apply_to(Recorded::default(), &make(&before, &Recorded::default(), &rules));
        let after = expand(&second, &before.leases(&first), &rules);
        let difference = make(&after, &recorded, &rules);
        let reached = apply_to(recorded, &difference);
        assert_empty(&make(&after, &reached, &rules));
        assert_same_world(&reached, &apply_to(Recorded::default(), &make(&after, &Recorded::default(), &rules)));
        let nothing = Desired::nothing("random", "simulated", OnFailure::Keep);
        let destroyed = apply_to(reached.clone(), &make(&nothing, &reached, &rules));
        prop_assert!(destroyed.is_empty(), "{destroyed:?}");
        assert_empty(&make(&nothing, &destroyed, &rules));
    }

    #[test]
    fn a_plan_that_stopped_after_any_step_is_completed_by_the_next_one(
        (first, second, part) in (documents(rules(true, false)), documents(rules(true, false)), 0.0..1.0)
    ) {
        let rules = rules(true, false);
        let before = expand(&first, &Leases::default(), &rules);
        let mut recorded = apply_to(Recorded::default(), &make(&before, &Recorded::default(), &rules));
        let after = expand(&second, &before.leases(&first), &rules);
        let interrupted = make(&after, &recorded, &rules);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a part of few")]
        let done = (interrupted.steps.len() as f64 * part) as usize;
        interrupted.steps[..done].iter().for_each(|step| recorded.apply(step));
        let rest = make(&after, &recorded, &rules);
        let reached = apply_to(recorded, &rest);
        assert_empty(&make(&after, &reached, &rules));
        assert_same_world(&reached, &apply_to(Recorded::default(), &make(&after, &Recorded::default(), &rules)));
    }

    #[test]
    fn written_documents_read_back_as_the_same(document in documents(rules(true, false))) {
        let text = serde_json::to_string(&document).unwrap();
        let read = range::read_text(&text, range::document::text::Format::Yaml, &rules(true, false)).unwrap();
        prop_assert_eq!(read, document);
    }
}
