//! Plans: what is done, why, after what, how long, how it is undone, and what is lost.

use range::{
    Desired, Leases, Plan, PlatformRules, Recorded, Values, apply_to,
    document::{OnFailure, Stage},
    plan::{Action, DurationKey, EstimateSource, Estimates, Inputs, Prices, StepKind, UndoKind, plan},
};
use serde_json::json;

use crate::{example, read, with};

fn rules() -> PlatformRules {
    PlatformRules::default()
}

fn expand(yaml: &str, leases: &Leases) -> Desired {
    let document = read(yaml).unwrap_or_else(|faults| panic!("{faults}"));
    range::expand(&document, &Values::default(), leases, &rules()).unwrap_or_else(|faults| panic!("{faults}"))
}

fn make(desired: &Desired, recorded: &Recorded) -> Plan {
    make_on(desired, recorded, &rules())
}

fn make_on(desired: &Desired, recorded: &Recorded, rules: &PlatformRules) -> Plan {
    plan(desired, recorded, &Inputs { rules, estimates: &Estimates::default(), prices: None })
}

/// What is recorded once a document was applied.
fn applied(yaml: &str) -> Recorded {
    let desired = expand(yaml, &Leases::default());
    apply_to(Recorded::default(), &make(&desired, &Recorded::default()))
}

/// Steps as `kind name action <- needs`.
fn shown(plan: &Plan) -> Vec<String> {
    let step = |step: &range::plan::Step| {
        let needs: Vec<String> = step
            .needs
            .iter()
            .map(|id| {
                let need = &plan.steps[*id as usize];
                format!("{} {}", need.kind, need.name)
            })
            .collect();
        let arrow = if needs.is_empty() { "" } else { " <- " };
        format!("{} {} {}{arrow}{}", step.kind, step.name, step.action, needs.join(", "))
    };
    plan.steps.iter().map(step).collect()
}

const SMALL: &str = "name: r\nplatform: simulated\nnetworks: {dmz: {cidr: 10.0.1.0/24}, lan: {cidr: 10.0.2.0/24}}\nmachines:\n  \
    gw: {template: debian, role: jumpbox, networks: [dmz, lan, uplink]}\n  \
    db: {template: debian, networks: [lan]}\n  web: {template: debian, networks: [dmz], needs: [db.started]}\n\
    tasks:\n  - {name: base, bundle: b, on: [db, web]}\n  - {name: app, playbook: site, on: web, needs: [base, db.configured]}\n";

#[test]
fn a_new_range_is_created_in_the_order_of_its_needs() {
    let desired = expand(SMALL, &Leases::default());
    let plan = make(&desired, &Recorded::default());
    assert_eq!(
        shown(&plan),
        [
            "network.ensure dmz create",
            "network.ensure lan create",
            "machine.ensure gw create <- network.ensure dmz, network.ensure lan",
            "machine.start gw create <- machine.ensure gw",
            "machine.wait gw create <- machine.start gw",
            "machine.ensure db create <- network.ensure lan",
            "machine.start db create <- machine.ensure db",
            "machine.ensure web create <- network.ensure dmz, machine.start db",
            "machine.start web create <- machine.ensure web",
            "rules.ensure gw create <- machine.wait gw",
            "machine.wait db create <- machine.start db, rules.ensure gw",
            "machine.wait web create <- machine.start web, rules.ensure gw",
            "playbook base create <- rules.ensure gw, machine.wait db, machine.wait web",
            "playbook app create <- rules.ensure gw, machine.wait db, machine.wait web, playbook base",
        ]
    );
    let ensure = &plan.steps[2];
    assert_eq!((ensure.reason.as_ref(), ensure.undo.kind), ("the machine does not exist", UndoKind::Remove));
    assert_eq!((ensure.estimate.ms, ensure.estimate.source), (30_000, EstimateSource::Constant));
    // `web` is created once `db` is started: 2 s network, 30 s and 5 s for each machine, 40 s wait, 60 s base, 60 s app.
    assert_eq!(plan.duration_ms, 232_000);
    assert_eq!(plan.steps[1].remaining_ms, 232_000);
    let wait = |name: &str| {
        let of_machine = |step: &&range::plan::Step| step.kind == StepKind::MachineWait && step.name == name;
        plan.steps.iter().find(of_machine).unwrap().estimate.ms
    };
    // `gw` and its rules take 87 s. `db` is started after 37 s, and `web` after 72 s: both boot meanwhile.
    assert_eq!((wait("gw"), wait("db"), wait("web")), (40_000, 0, 25_000));
    let path: Vec<&str> =
        plan.critical_path.iter().map(|id| plan.steps[*id as usize].kind.as_str()).collect();
    assert_eq!(path.last(), Some(&"playbook"));
    assert_eq!(
        (plan.before.machines, plan.after.machines, plan.after.memory_mb, plan.after.networks),
        (0, 3, 3_072, 2)
    );
    assert!(plan.destroyed.is_empty());
}

#[test]
fn the_same_document_twice_is_an_empty_plan() {
    let document = example();
    let values =
        Values { all: json!({"admin_password": "f1"}).as_object().unwrap().clone(), ..Values::default() };
    let desired = range::expand(&document, &values, &Leases::default(), &rules()).unwrap();
    let recorded = apply_to(Recorded::default(), &make(&desired, &Recorded::default()));
    let again = make(&desired, &recorded);
    assert!(again.is_empty());
    assert_eq!(
        (
            again.kept.networks.len(),
            again.kept.machines.len(),
            again.kept.routers.len(),
            again.kept.tasks.len()
        ),
        (24, 36, 12, 24)
    );
    assert_eq!(make(&desired, &recorded).digest, again.digest);
    assert_ne!(make(&desired, &Recorded::default()).digest, again.digest, "the world changed");
    // Another secret is another world, and the tasks run again; the secret is not shown.
    let values =
        Values { all: json!({"admin_password": "f2"}).as_object().unwrap().clone(), ..Values::default() };
    let changed = make(&range::expand(&document, &values, &Leases::default(), &rules()).unwrap(), &recorded);
    assert_eq!(changed.steps.iter().filter(|step| step.kind == StepKind::Playbook).count(), 24);
    assert_eq!(
        changed.steps[0].reason,
        "`variables` changes from admin_password (secret) to admin_password (secret)"
    );
}

#[test]
fn each_change_does_what_it_takes_and_says_why() {
    let recorded = applied(SMALL);
    let web = "web: {template: debian, networks: [dmz]";
    for (from, to, wanted, reason) in [
        (
            web,
            "web: {template: debian, networks: [dmz], groups: [x]",
            vec!["machine.ensure web update"],
            "`groups` changes from none to x",
        ),
        (
            web,
            "web: {template: debian, networks: [dmz], disk_gb: 20",
            vec!["machine.ensure web update"],
            "`disk_gb` changes from that of the template to 20",
        ),
        (
            web,
            "web: {template: debian, networks: [dmz], cores: 2",
            vec![
                "machine.stop web update",
                "machine.ensure web update <- machine.stop web",
                "machine.start web update <- machine.ensure web",
                "machine.wait web update <- machine.start web",
            ],
            "the machine is stopped for a change: `cores` changes from that of the template to 2",
        ),
        (
            web,
            "web: {template: ubuntu, networks: [dmz]",
            vec![
                "machine.remove web replace",
                "machine.ensure web replace <- machine.remove web",
                "machine.start web replace <- machine.ensure web",
                "machine.wait web replace <- machine.start web",
                "playbook base update <- machine.wait web",
                "playbook app update <- machine.wait web, playbook base",
            ],
            "`template` changes from debian to ubuntu",
        ),
        (
            "playbook: site",
            "playbook: other",
            vec!["playbook app update"],
            "`content` changes from playbook site to playbook other",
        ),
        (
            "tasks:",
            "rules: [{from: dmz, to: lan, allow: [tcp/5432]}]\ntasks:",
            vec!["rules.ensure gw update"],
            "`rules` changes from none to dmz to lan: tcp/5432",
        ),
        (
            "lan: {cidr: 10.0.2.0/24}",
            "lan: {cidr: 10.0.2.0/24, isolated: true}",
            vec!["network.ensure lan update", "rules.ensure gw update"],
            "`isolated` changes from false to true",
        ),
        (
            ", needs: [db.started]",
            "",
            vec!["machine.ensure web update"],
            "`needs` changes from db.started to none",
        ),
    ] {
        assert!(SMALL.contains(from), "{from}");
        let plan = make(&expand(&SMALL.replace(from, to), &Leases::default()), &recorded);
        assert_eq!(shown(&plan), wanted, "{to}");
        assert_eq!(plan.steps[0].reason, reason, "{to}");
    }
}

#[test]
fn what_is_no_longer_desired_is_removed_in_reverse() {
    let recorded = applied(SMALL);
    let nothing = Desired::nothing("r", "simulated", OnFailure::Keep);
    let plan = make(&nothing, &recorded);
    assert_eq!(
        shown(&plan),
        [
            "task.forget app delete",
            "task.forget base delete",
            "machine.remove gw delete",
            "machine.remove web delete",
            "machine.remove db delete <- machine.remove web",
            "network.remove dmz delete <- machine.remove gw, machine.remove web",
            "network.remove lan delete <- machine.remove gw, machine.remove db",
        ]
    );
    let destroyed: Vec<&str> = plan.destroyed.iter().map(|destroyed| destroyed.name.as_str()).collect();
    assert_eq!(destroyed, ["gw", "web", "db", "dmz", "lan"]);
    assert!(plan.steps.iter().all(|step| step.undo.kind == UndoKind::Nothing));
    assert!(apply_to(recorded, &plan).is_empty());
}

#[test]
fn an_address_is_free_before_another_machine_takes_it() {
    let yaml = |a: &str, b: &str| {
        with(&format!(
            "networks: {{n: {{cidr: 10.0.0.0/24}}}}\nmachines:\n  a: {{template: t, networks: [{{name: n, address: 10.0.0.{a}}}]}}\n  b: {{template: t, networks: [{{name: n, address: 10.0.0.{b}}}]}}"
        ))
    };
    let plan = make(&expand(&yaml("6", "5"), &Leases::default()), &applied(&yaml("5", "6")));
    let found = shown(&plan);
    assert!(
        found.contains(&"machine.ensure a update <- machine.stop a, machine.stop b".to_owned()),
        "{found:?}"
    );
    assert!(
        found.contains(&"machine.ensure b update <- machine.stop a, machine.stop b".to_owned()),
        "{found:?}"
    );
}

#[test]
fn where_subnets_cannot_change_networks_and_their_machines_are_replaced() {
    let strict = PlatformRules { changes_subnets: false, ..rules() };
    let recorded = applied(SMALL);
    let renamed = SMALL.replace("lan", "net");
    let found = shown(&make_on(&expand(&renamed, &Leases::default()), &recorded, &strict));
    for wanted in [
        "network.remove lan delete <- machine.remove db, machine.remove gw",
        "network.ensure net create <- network.remove lan",
        "machine.ensure db replace <- machine.remove db, network.ensure net",
    ] {
        assert!(found.contains(&wanted.to_owned()), "{wanted}: {found:#?}");
    }
    let moved = SMALL.replace("10.0.2.0/24", "10.0.3.0/24");
    let plan = make_on(&expand(&moved, &Leases::default()), &recorded, &strict);
    let destroyed: Vec<(&str, bool)> =
        plan.destroyed.iter().map(|destroyed| (destroyed.name.as_str(), destroyed.replaced)).collect();
    assert_eq!(destroyed, [("db", true), ("gw", true), ("lan", true)]);
    let in_place = make(&expand(&moved, &Leases::default()), &recorded);
    assert!(in_place.destroyed.is_empty());
    assert!(shown(&in_place).contains(&"network.ensure lan update".to_owned()));
}

#[test]
fn a_machine_that_was_stopped_is_started_again_and_nothing_else() {
    let desired = expand(SMALL, &Leases::default());
    for (stage, wanted) in [
        (Stage::Created, vec!["machine.start db update", "machine.wait db update <- machine.start db"]),
        (Stage::Started, vec!["machine.wait db update"]),
        (Stage::Ready, vec![]),
    ] {
        let mut recorded = applied(SMALL);
        recorded.machines.get_mut("db").unwrap().stage = stage;
        assert_eq!(shown(&make(&desired, &recorded)), wanted);
    }
    // A rule that was flushed, a machine that was deleted.
    let mut recorded = applied(SMALL);
    recorded.routers.clear();
    assert_eq!(shown(&make(&desired, &recorded)), ["rules.ensure gw create"]);
    let mut recorded = applied(SMALL);
    recorded.machines.remove("web");
    recorded.tasks.values_mut().for_each(|task| task.done_on.retain(|machine| machine != "web"));
    let plan = make(&desired, &recorded);
    let work = json!(plan.steps.last().unwrap().work);
    assert_eq!((plan.steps.len(), &work["run_task"]["machines"]), (5, &json!(["web"])));
}

#[test]
fn a_task_runs_on_new_machines_alone() {
    let recorded = applied(SMALL);
    let more = SMALL
        .replace("tasks:", "  new: {template: debian, networks: [dmz]}\ntasks:")
        .replace("on: [db, web]", "on: all");
    let plan = make(&expand(&more, &Leases::default()), &recorded);
    let run = plan.steps.iter().find(|step| step.kind == StepKind::Playbook).unwrap();
    assert_eq!(run.reason, "the task has not run on these machines yet");
    assert_eq!(json!(run.work)["run_task"]["machines"], json!(["gw", "new"]));
    assert_eq!(plan.steps.iter().filter(|step| step.kind == StepKind::Playbook).count(), 1);
    // Removed from the document it is forgotten, and what it did stays.
    let less = SMALL.split("  - {name: app").next().unwrap();
    assert_eq!(shown(&make(&expand(less, &Leases::default()), &recorded)), ["task.forget app delete"]);
}

#[test]
fn a_machine_that_is_no_router_any_more_loses_its_rules() {
    let yaml = |role: &str| {
        with(&format!(
            "networks: {{n: {{cidr: 10.0.0.0/24}}}}\nmachines: {{m: {{template: t, role: {role}, networks: [{{name: n, address: 10.0.0.7}}]}}}}"
        ))
    };
    let plan = make(&expand(&yaml("service"), &Leases::default()), &applied(&yaml("router")));
    assert_eq!(
        shown(&plan),
        [
            "network.ensure n update",
            "machine.ensure m update <- network.ensure n",
            "rules.remove m delete <- machine.ensure m"
        ]
    );
    let back = make(&expand(&yaml("router"), &Leases::default()), &applied(&yaml("service")));
    assert_eq!(
        shown(&back),
        [
            "network.ensure n update",
            "machine.ensure m update <- network.ensure n",
            "rules.ensure m create <- machine.ensure m"
        ]
    );
}

#[test]
fn packets_are_sent_after_every_change_of_an_instance() {
    let yaml = format!("{SMALL}verify: true\n");
    let first = make(&expand(&yaml, &Leases::default()), &Recorded::default());
    let verify = first.steps.last().unwrap();
    assert_eq!((verify.kind, verify.name.as_str()), (StepKind::Verify, "r"));
    assert_eq!(shown(&first).last().unwrap(), "verify r create <- playbook app");
    let recorded = apply_to(Recorded::default(), &first);
    assert!(make(&expand(&yaml, &Leases::default()), &recorded).is_empty());
    let changed = yaml.replace("playbook: site", "playbook: other");
    assert_eq!(
        shown(&make(&expand(&changed, &Leases::default()), &recorded)),
        ["playbook app update"],
        "a task moves no cable"
    );
    let changed = yaml.replace("tasks:", "rules: [{from: dmz, to: lan, allow: [icmp]}]\ntasks:");
    assert_eq!(
        shown(&make(&expand(&changed, &Leases::default()), &recorded)),
        ["rules.ensure gw update", "verify r update <- rules.ensure gw"]
    );
}

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
