//! Plans of actions: starting, stopping, snapshots and verification, and what is recorded afterwards.

use proptest::{prelude::*, test_runner::RngSeed};
use range::{
    Desired, Leases, Plan, PlatformRules, Recorded, Values, apply_to,
    document::{OnFailure, Stage},
    plan::{
        ActionError, Estimates, Inputs, RangeAction, Scope, StepKind, Subject, UndoKind, action_plan, plan,
    },
};

use crate::{random::documents, read};

const ON: Subject<'static> = Subject { range: "r", platform: "simulated", on_failure: OnFailure::Keep };

/// A jumpbox, a database behind it that another machine needs, and a bare machine.
const LAB: &str = "name: r\nplatform: simulated\ninstances: {count: 2, name: 't{n}'}\nnetworks: {dmz: {}, lan: {}}\nmachines:\n  \
    gw: {template: debian, role: jumpbox, networks: [dmz, lan, uplink]}\n  db: {template: debian, networks: [lan]}\n  \
    web: {template: debian, networks: [dmz], needs: [db.ready]}\n  probe: {kind: namespace, networks: [dmz]}\n\
    tasks:\n  - {name: base, bundle: b, on: [db, web]}\nverify: true\n";

fn expand(yaml: &str) -> Desired {
    let document = read(yaml).unwrap_or_else(|faults| panic!("{faults}"));
    range::expand(&document, &Values::default(), &Leases::default(), &PlatformRules::default()).unwrap()
}

fn applied(desired: &Desired, recorded: Recorded) -> Recorded {
    let plan = difference(desired, &recorded);
    apply_to(recorded, &plan)
}

fn difference(desired: &Desired, recorded: &Recorded) -> Plan {
    let (rules, estimates) = (PlatformRules::default(), Estimates::default());
    plan(desired, recorded, &Inputs { rules: &rules, estimates: &estimates, prices: None })
}

fn act(recorded: &Recorded, action: &RangeAction, scope: &Scope) -> Result<Plan, ActionError> {
    act_on(recorded, action, scope, &PlatformRules::default())
}

fn act_on(
    recorded: &Recorded,
    action: &RangeAction,
    scope: &Scope,
    rules: &PlatformRules,
) -> Result<Plan, ActionError> {
    let estimates = Estimates::default();
    action_plan(ON, recorded, action, scope, &Inputs { rules, estimates: &estimates, prices: None })
}

fn of_t1() -> Scope {
    Scope::Instance("t1".to_owned())
}

fn named(names: &[&str]) -> Scope {
    Scope::Machines(names.iter().map(|name| (*name).to_owned()).collect())
}

fn take(name: &str) -> RangeAction {
    RangeAction::Snapshot { snapshot: name.to_owned() }
}

fn revert(name: &str) -> RangeAction {
    RangeAction::Revert { snapshot: name.to_owned() }
}

/// Steps as `kind name <- needs`.
fn shown(plan: &Plan) -> Vec<String> {
    let name = |id: &u32| format!("{} {}", plan.steps[*id as usize].kind, plan.steps[*id as usize].name);
    let step = |step: &range::plan::Step| {
        let needs: Vec<String> = step.needs.iter().map(name).collect();
        let arrow = if needs.is_empty() { "" } else { " <- " };
        format!("{}{arrow}{}", name(&step.id), needs.join(", "))
    };
    plan.steps.iter().map(step).collect()
}

#[test]
fn machines_stop_after_those_that_need_them_and_start_before() {
    let desired = expand(LAB);
    let running = applied(&desired, Recorded::default());
    let stop = act(&running, &RangeAction::Stop, &of_t1()).unwrap();
    assert_eq!(
        shown(&stop),
        [
            "machine.stop t1-probe",
            "machine.stop t1-web",
            "machine.stop t1-db <- machine.stop t1-web",
            "machine.stop t1-gw <- machine.stop t1-probe, machine.stop t1-web, machine.stop t1-db",
        ]
    );
    assert!(stop.steps.iter().all(|step| step.undo.kind == UndoKind::Start));
    assert!(stop.destroyed.is_empty());
    let stopped = apply_to(running.clone(), &stop);
    assert_eq!(stopped.machines["t1-web"].stage, Stage::Created);
    assert_eq!(stopped.machines["t2-web"].stage, Stage::Ready, "the other instance is not touched");
    assert_eq!(stopped.verified.iter().collect::<Vec<_>>(), ["t2"]);
    // What is stopped already stays so.
    let again = act(&stopped, &RangeAction::Stop, &of_t1()).unwrap();
    assert!(again.is_empty());
    assert_eq!(again.kept.machines.len(), 4);
    assert_ne!(again.digest, stop.digest);

    let start = act(&stopped, &RangeAction::Start, &Scope::All).unwrap();
    assert_eq!(
        shown(&start),
        [
            "machine.start t1-db",
            "machine.start t1-gw",
            "machine.wait t1-gw <- machine.start t1-gw",
            "machine.wait t1-db <- machine.start t1-db, machine.wait t1-gw",
            "machine.start t1-probe",
            "machine.wait t1-probe <- machine.wait t1-gw, machine.start t1-probe",
            "machine.start t1-web <- machine.wait t1-db",
            "machine.wait t1-web <- machine.wait t1-gw, machine.start t1-web",
        ]
    );
    let started = apply_to(stopped, &start);
    assert_eq!(started.machines, running.machines);
    assert_eq!(shown(&difference(&desired, &started)), ["verify t1"], "what ran again was not verified yet");
}

#[test]
fn a_router_that_needs_a_machine_behind_it_stops_before_that_one() {
    let lab =
        LAB.replace("networks: [dmz, lan, uplink]", "networks: [dmz, lan, uplink], needs: [db.started]");
    let running = applied(&expand(&lab), Recorded::default());
    let stop = shown(&act(&running, &RangeAction::Stop, &of_t1()).unwrap());
    assert!(
        stop.contains(&"machine.stop t1-db <- machine.stop t1-web, machine.stop t1-gw".to_owned())
            || stop.contains(&"machine.stop t1-db <- machine.stop t1-gw, machine.stop t1-web".to_owned()),
        "{stop:#?}"
    );
    assert!(stop.iter().any(|step| step.starts_with("machine.stop t1-gw <- ")
        && step.contains("t1-web")
        && !step.contains("t1-db")));
}

#[test]
fn snapshots_are_of_guests_and_are_taken_once() {
    let desired = expand(LAB);
    let running = applied(&desired, Recorded::default());
    let plan = act(&running, &take("clean"), &of_t1()).unwrap();
    assert_eq!(shown(&plan), ["snapshot.take t1-db", "snapshot.take t1-gw", "snapshot.take t1-web"]);
    assert!(plan.steps.iter().all(|step| step.undo.kind == UndoKind::Remove));
    let kept = apply_to(running.clone(), &plan);
    assert_eq!(kept.verified, running.verified, "a snapshot changes no path");
    assert!(difference(&desired, &kept).is_empty(), "a snapshot is no difference to the document");
    let stored: Recorded = serde_json::from_value(serde_json::to_value(&kept).unwrap()).unwrap();
    assert_eq!(stored, kept);
    assert!(act(&kept, &take("clean"), &of_t1()).unwrap().is_empty());
    // A platform that needs stopped machines gets them.
    let strict = PlatformRules { snapshots_while_running: false, ..PlatformRules::default() };
    let plan = act_on(&running, &take("clean"), &named(&["t1-db"]), &strict).unwrap();
    assert_eq!(
        shown(&plan),
        [
            "machine.stop t1-db",
            "snapshot.take t1-db <- machine.stop t1-db",
            "machine.start t1-db <- snapshot.take t1-db",
            "machine.wait t1-db <- machine.start t1-db",
        ]
    );
    assert_eq!(apply_to(running, &plan).machines["t1-db"], kept.machines["t1-db"]);
}

#[test]
fn a_revert_takes_back_what_was_done_since_and_starts_the_machine() {
    let desired = expand(LAB);
    let running = applied(&desired, Recorded::default());
    let kept = apply_to(running.clone(), &act(&running, &take("clean"), &Scope::All).unwrap());
    // A task and another disk come later.
    let later = expand(
        &LAB.replace("verify: true", "  - {name: app, playbook: p, on: web}\nverify: true")
            .replace("web: {template: debian,", "web: {template: debian, disk_gb: 20,"),
    );
    let changed = applied(&later, kept);
    let plan = act(&changed, &revert("clean"), &named(&["t1-web", "t1-gw"])).unwrap();
    assert_eq!(
        shown(&plan),
        [
            "snapshot.revert t1-gw",
            "machine.start t1-gw <- snapshot.revert t1-gw",
            "machine.wait t1-gw <- machine.start t1-gw",
            "snapshot.revert t1-web",
            "machine.start t1-web <- snapshot.revert t1-web",
            "rules.ensure t1-gw <- machine.wait t1-gw",
            "machine.wait t1-web <- machine.start t1-web, rules.ensure t1-gw",
        ]
    );
    let destroyed: Vec<_> = plan.destroyed.iter().map(|lost| (lost.kind, lost.name.as_str())).collect();
    assert_eq!(destroyed, [(StepKind::SnapshotRevert, "t1-gw"), (StepKind::SnapshotRevert, "t1-web")]);
    let reverted = apply_to(changed, &plan);
    assert_eq!(reverted.machines["t1-web"].spec.disk_gb, None);
    assert!(!reverted.tasks["t1-app"].done_on.contains("t1-web"));
    assert!(reverted.tasks["t1-base"].done_on.contains("t1-web"));
    // The document asks for the disk and the task again, and for nothing else.
    let rest = shown(&difference(&later, &reverted));
    let kinds: Vec<&str> = rest.iter().map(|step| step.split(" <- ").next().unwrap()).collect();
    assert_eq!(kinds, ["machine.ensure t1-web", "playbook t1-app", "verify t1"]);

    let remove = RangeAction::RemoveSnapshot { snapshot: "clean".to_owned() };
    let plan = act(&reverted, &remove, &Scope::All).unwrap();
    assert_eq!(plan.destroyed.len(), 6);
    let removed = apply_to(reverted, &plan);
    assert!(removed.machines.values().all(|machine| machine.snapshots.is_empty()));
}

#[test]
fn what_is_not_there_is_refused_with_its_name() {
    let running = applied(&expand(LAB), Recorded::default());
    let refused = |action: &RangeAction, scope: &Scope| act(&running, action, scope).unwrap_err().to_string();
    assert_eq!(refused(&RangeAction::Stop, &named(&["t3-web"])), "unknown machine `t3-web`");
    assert_eq!(refused(&RangeAction::Stop, &Scope::Instance("t3".to_owned())), "unknown instance `t3`");
    assert_eq!(refused(&revert("x"), &named(&["t1-web"])), "machine `t1-web` has no snapshot `x`");
    assert_eq!(refused(&revert("x"), &Scope::All), "no machine has a snapshot `x`");
    assert!(refused(&take("x"), &named(&["t1-probe"])).contains("it has no disk"));
    for name in ["", "1st", "a b", "a/b", &"a".repeat(41)] {
        assert!(refused(&take(name), &Scope::All).contains("is not a valid name"), "{name}");
    }
    // A network or an address of the snapshot that went meanwhile.
    let kept = apply_to(running.clone(), &act(&running, &take("clean"), &Scope::All).unwrap());
    let renamed = applied(&expand(&LAB.replace("lan", "net")), kept.clone());
    let error = act(&renamed, &revert("clean"), &named(&["t1-db"])).unwrap_err();
    assert!(matches!(error, ActionError::NetworkRemoved { .. }), "{error}");
    let fixed = LAB.replace("{dmz: {}, lan: {}}", "{dmz: {cidr: 10.1.0.0/24}, lan: {cidr: 10.2.0.0/24}}");
    let running = applied(&expand(&fixed), Recorded::default());
    let kept = apply_to(running.clone(), &act(&running, &take("clean"), &Scope::All).unwrap());
    let swapped = fixed
        .replace(
            "web: {template: debian, networks: [dmz]",
            "web: {template: debian, networks: [{name: dmz, address: 10.1.0.11}]",
        )
        .replace(
            "probe: {kind: namespace, networks: [dmz]}",
            "probe: {kind: namespace, networks: [{name: dmz, address: 10.1.0.10}]}",
        );
    let error = act(&applied(&expand(&swapped), kept), &revert("clean"), &named(&["t1-web"])).unwrap_err();
    let ActionError::AddressInUse { machine, other, .. } = &error else { panic!("{error}") };
    assert_eq!((machine.as_str(), other.as_str()), ("t1-web", "t1-probe"));
}

#[test]
fn verification_can_be_repeated_for_an_instance() {
    let running = applied(&expand(LAB), Recorded::default());
    let plan = act(&running, &RangeAction::Verify, &named(&["t2-web", "t2-db"])).unwrap();
    assert_eq!(shown(&plan), ["verify t2"]);
    assert_eq!(shown(&act(&running, &RangeAction::Verify, &Scope::All).unwrap()), ["verify t1", "verify t2"]);
    let one = LAB.replace("instances: {count: 2, name: 't{n}'}\n", "");
    let running = applied(&expand(&one), Recorded::default());
    assert_eq!(shown(&act(&running, &RangeAction::Verify, &Scope::All).unwrap()), ["verify r"]);
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 64,
        rng_seed: RngSeed::Fixed(16),
        failure_persistence: None,
        max_global_rejects: 100_000,
        ..ProptestConfig::default()
    }
}

fn assert_sound(plan: &Plan) {
    for (place, step) in plan.steps.iter().enumerate() {
        assert_eq!(step.id as usize, place);
        assert!(step.needs.iter().all(|need| *need < step.id), "a cycle of needs: {step:?}");
        assert!(!step.reason.is_empty(), "{step:?}");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_was_stopped_or_reverted_and_started_is_what_it_was(
        (document, is_live) in (documents(PlatformRules::default()), any::<bool>())
    ) {
        let rules = PlatformRules { snapshots_while_running: is_live, ..PlatformRules::default() };
        let desired = range::expand(&document, &Values::default(), &Leases::default(), &rules).unwrap();
        let running = applied(&desired, Recorded::default());
        let stop = act(&running, &RangeAction::Stop, &Scope::All).unwrap();
        assert_sound(&stop);
        let stopped = apply_to(running.clone(), &stop);
        prop_assert!(stopped.machines.values().all(|machine| machine.stage == Stage::Created));
        let start = act(&stopped, &RangeAction::Start, &Scope::All).unwrap();
        assert_sound(&start);
        let started = apply_to(stopped, &start);
        prop_assert_eq!(&started.machines, &running.machines);
        let verify = act(&started, &RangeAction::Verify, &Scope::All).unwrap();
        prop_assert!(difference(&desired, &apply_to(started, &verify)).is_empty());

        let Ok(taking) = act_on(&running, &take("s"), &Scope::All, &rules) else { return Ok(()) };
        assert_sound(&taking);
        let kept = apply_to(running.clone(), &taking);
        let reverting = act_on(&kept, &revert("s"), &Scope::All, &rules).unwrap();
        assert_sound(&reverting);
        let reverted = apply_to(kept.clone(), &reverting);
        prop_assert_eq!(&reverted.machines, &kept.machines);
        prop_assert_eq!(&reverted.tasks, &running.tasks);
        prop_assert_eq!(&reverted.routers, &running.routers);
    }
}
