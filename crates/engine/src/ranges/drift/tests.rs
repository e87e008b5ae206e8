//! Drift of ranges on the simulated platform: what was changed by hand is found, and repaired by steps for that alone.

use std::{sync::Arc, time::Duration};

use platform::{
    Awaited, Capabilities, Login, MachineWanted, Owner, Platform, Power, Progress, SnapshotAction, ThingKind,
    Wanted,
    simulated::{ByHand, Options, Simulated},
};
use proptest::{prelude::*, test_runner::RngSeed};
use range::{
    Desired, Leases, Plan, PlatformRules, Recorded, Values,
    document::text::Format,
    plan::{Estimates, Inputs, Step, StepKind, Work, plan},
};

use super::{Comparison, Difference};

const LAB: &str = "name: r\nplatform: p\nnetworks:\n  dmz: {cidr: 10.1.1.0/24}\n  inner: {cidr: 10.1.2.0/24}\nmachines:\n  \
    gw: {kind: namespace, role: jumpbox, networks: [dmz, inner]}\n  web: {kind: namespace, networks: [dmz]}\n  \
    db: {kind: namespace, networks: [inner], needs: [gw.started]}\nrules: [{from: dmz, to: inner, allow: [tcp/5432]}]\n\
    tasks: [{name: base, bundle: b, on: all}]\nverify: true\n";

fn expand(yaml: &str) -> Desired {
    let rules = PlatformRules::default();
    let document = range::read_text(yaml, Format::Yaml, &rules).unwrap_or_else(|faults| panic!("{faults}"));
    range::expand(&document, &Values::default(), &Leases::default(), &rules).expect("a document")
}

/// A range on the simulated platform.
struct Site {
    platform: Simulated,
    owner: Owner,
    desired: Desired,
    recorded: Recorded,
}

impl Site {
    async fn up(desired: Desired) -> Self {
        let platform = Simulated::open(Options::default()).expect("in memory");
        let owner = Owner::new("test", "r").expect("an owner");
        let mut site = Self { platform, owner, desired, recorded: Recorded::default() };
        let plan = site.plan_from(&Recorded::default());
        site.carry_out(&plan).await;
        site
    }

    fn plan_from(&self, recorded: &Recorded) -> Plan {
        let (rules, estimates) = (PlatformRules::default(), Estimates::default());
        plan(&self.desired, recorded, &Inputs { rules: &rules, estimates: &estimates, prices: None })
    }

    /// Carries out a plan, and records each step.
    async fn carry_out(&mut self, plan: &Plan) {
        for step in &plan.steps {
            self.step(step).await;
            self.recorded.apply(step);
        }
    }

    async fn step(&self, step: &Step) {
        let machine = self.owner.thing(ThingKind::Machine, &step.name);
        let progress = match &step.work {
            Work::EnsureNetwork { network, .. } => self.ensure(Wanted::Network(Arc::clone(network))).await,
            Work::EnsureMachine { machine, .. } => {
                let (spec, login) = (Arc::clone(machine), Login::default());
                self.ensure(Wanted::Machine(MachineWanted { spec, login })).await
            }
            Work::EnsureRules { router, .. } => self.ensure(Wanted::Rules(Arc::clone(router))).await,
            Work::RemoveNetwork { .. } => self.remove(ThingKind::Network, &step.name).await,
            Work::RemoveMachine { .. } => self.remove(ThingKind::Machine, &step.name).await,
            Work::RemoveRules { .. } => self.remove(ThingKind::Rules, &step.name).await,
            Work::StartMachine => self.platform.power(&machine, Power::On).await.expect("started"),
            Work::StopMachine => self.platform.power(&machine, Power::Off).await.expect("stopped"),
            Work::WaitMachine { ready } => {
                let (ready, within) = (*ready, Duration::from_secs(60));
                self.platform.wait(&Awaited::Ready { machine, ready, within }).await.expect("ready");
                Progress::Done
            }
            Work::TakeSnapshot { snapshot } => {
                let action = SnapshotAction::Take(snapshot.clone());
                self.platform.snapshot(&machine, &action).await.expect("taken")
            }
            Work::RevertSnapshot { .. }
            | Work::RemoveSnapshot { .. }
            | Work::RunTask { .. }
            | Work::ForgetTask
            | Work::Verify => Progress::Done,
        };
        if let Progress::Pending(handle) = progress {
            self.platform.wait(&Awaited::Task(handle)).await.expect("done");
        }
    }

    async fn ensure(&self, wanted: Wanted) -> Progress {
        self.platform.ensure(&self.owner, &wanted).await.expect("ensured").progress
    }

    async fn remove(&self, kind: ThingKind, name: &str) -> Progress {
        self.platform.remove(&self.owner.thing(kind, name)).await.expect("removed")
    }

    fn by_hand(&self, act: &ByHand) {
        self.platform.by_hand(act).expect("changed");
    }

    fn machine(&self, name: &str) -> platform::Thing {
        self.owner.thing(ThingKind::Machine, name)
    }

    /// The differences, and the plan that repairs them.
    async fn drift(&self) -> (Vec<Difference>, Plan) {
        let observed = self.platform.observe(&self.owner).await.expect("observed");
        let capabilities = Capabilities { snapshots: true, rules: true, uplink: true };
        let comparison = Comparison {
            desired: &self.desired,
            recorded: &self.recorded,
            observed: &observed,
            capabilities: &capabilities,
        };
        let adjusted = comparison.adjusted();
        (comparison.differences(), self.plan_from(&adjusted))
    }

    /// Repairs the range: afterwards nothing differs.
    async fn repair(&mut self) -> Vec<String> {
        let observed = self.platform.observe(&self.owner).await.expect("observed");
        let capabilities = Capabilities { snapshots: true, rules: true, uplink: true };
        let comparison = Comparison {
            desired: &self.desired,
            recorded: &self.recorded,
            observed: &observed,
            capabilities: &capabilities,
        };
        self.recorded = comparison.adjusted();
        let plan = self.plan_from(&self.recorded);
        self.carry_out(&plan).await;
        let (differences, rest) = self.drift().await;
        assert_eq!(differences, [], "after the repair");
        assert!(rest.is_empty(), "{:#?}", shown(&rest));
        shown(&plan)
    }
}

fn shown(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(|step| format!("{} {}", step.kind, step.name)).collect()
}

fn kinds(differences: &[Difference]) -> Vec<String> {
    differences.iter().map(|difference| format!("{} {}", difference.kind, difference.name)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_range_that_is_as_recorded_has_no_drift() {
    let site = Site::up(expand(LAB)).await;
    let (differences, plan) = site.drift().await;
    assert_eq!(differences, []);
    assert!(plan.is_empty(), "{:?}", shown(&plan));
}

#[tokio::test(start_paused = true)]
async fn each_change_by_hand_is_repaired_by_steps_for_it_alone() {
    let mut site = Site::up(expand(LAB)).await;
    let owner = site.owner.clone();
    for (act, found, repair) in [
        (
            ByHand::Stop(site.machine("web")),
            vec!["machine_stopped web"],
            vec!["machine.start web", "machine.wait web", "verify r"],
        ),
        (
            ByHand::Delete(site.machine("db")),
            vec!["machine_missing db"],
            vec!["machine.ensure db", "machine.start db", "machine.wait db", "playbook base", "verify r"],
        ),
        (
            ByHand::Detach(site.machine("gw"), 1),
            vec!["nic_detached gw"],
            vec!["machine.stop gw", "machine.ensure gw", "machine.start gw", "machine.wait gw", "verify r"],
        ),
        (
            ByHand::Flush(owner.thing(ThingKind::Rules, "gw")),
            vec!["rules_changed gw"],
            vec!["rules.ensure gw", "verify r"],
        ),
        (
            ByHand::Delete(owner.thing(ThingKind::Rules, "gw")),
            vec!["rules_missing gw"],
            vec!["rules.ensure gw", "verify r"],
        ),
        (
            ByHand::Delete(owner.thing(ThingKind::Network, "dmz")),
            vec!["network_missing dmz"],
            vec!["network.ensure dmz", "verify r"],
        ),
    ] {
        site.by_hand(&act);
        let (differences, plan) = site.drift().await;
        assert_eq!(kinds(&differences), found, "{act:?}");
        assert!(differences.iter().all(|difference| !difference.repair.is_empty()));
        assert_eq!(shown(&plan), repair, "{act:?}");
        assert_eq!(site.repair().await, repair);
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_the_mark_and_is_not_recorded_is_removed_unless_the_document_has_it() {
    let mut site = Site::up(expand(LAB)).await;
    // As after a crash before a step was recorded: the platform has more than the records.
    let more = expand(
        &LAB.replace("tasks:", "")
            .replace(
                "machines:",
                "  x: {cidr: 10.1.3.0/24}\nmachines:\n  m: {kind: namespace, networks: [x]}",
            )
            .replace(" [{name: base, bundle: b, on: all}]\n", ""),
    );
    let recorded = site.recorded.clone();
    let desired = std::mem::replace(&mut site.desired, more);
    let plan = site.plan_from(&recorded);
    let plan = Plan {
        steps: plan.steps.into_iter().filter(|step| ["x", "m"].contains(&step.name.as_str())).collect(),
        ..plan
    };
    site.carry_out(&plan).await;
    site.recorded = recorded.clone();
    let (differences, _) = site.drift().await;
    assert_eq!(kinds(&differences), ["network_unknown x", "machine_unknown m"]);
    assert!(differences.iter().all(|difference| difference.repair.contains("adopted")), "{differences:#?}");
    // The document does not have them: they are removed.
    site.desired = desired;
    let (differences, _) = site.drift().await;
    assert!(differences.iter().all(|difference| difference.repair.contains("removed")), "{differences:#?}");
    assert_eq!(site.repair().await, ["machine.remove m", "network.remove x", "verify r"]);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_was_removed_is_forgotten() {
    let mut site = Site::up(expand(&LAB.replace("kind: namespace", "template: t"))).await;
    let (rules, estimates) = (PlatformRules::default(), Estimates::default());
    let plan = range::plan::action_plan(
        range::plan::Subject { range: "r", platform: "p", on_failure: range::document::OnFailure::Keep },
        &site.recorded,
        &range::plan::RangeAction::Snapshot { snapshot: "s".to_owned() },
        &range::plan::Scope::All,
        &Inputs { rules: &rules, estimates: &estimates, prices: None },
    );
    site.carry_out(&plan.expect("a plan")).await;
    assert_eq!(site.drift().await.0, []);
    let remove = SnapshotAction::Remove("s".to_owned());
    site.platform.snapshot(&site.machine("db"), &remove).await.expect("removed");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(kinds(&site.drift().await.0), ["snapshot_missing db"]);
    assert_eq!(site.repair().await, [""; 0]);
    assert!(site.recorded.machines["gw"].snapshots.contains_key("s"));
}

/// What differs where the platform reports this about `web`, with the stages of the repair.
async fn reported(change: impl Fn(&mut platform::ObservedMachine)) -> (Vec<String>, Vec<String>) {
    let site = Site::up(expand(LAB)).await;
    let mut observed = site.platform.observe(&site.owner).await.expect("observed");
    change(observed.machines.iter_mut().find(|machine| machine.name == "web").expect("it exists"));
    let comparison = Comparison {
        desired: &site.desired,
        recorded: &site.recorded,
        observed: &observed,
        capabilities: &Capabilities { snapshots: true, rules: true, uplink: true },
    };
    let plan = site.plan_from(&comparison.adjusted());
    (kinds(&comparison.differences()), shown(&plan))
}

#[tokio::test(start_paused = true)]
async fn an_address_that_was_removed_is_found_where_the_platform_knows_addresses() {
    let corrected =
        ["machine.stop web", "machine.ensure web", "machine.start web", "machine.wait web", "verify r"];
    let (found, repair) = reported(|web| web.nics[0].addresses = Some(Vec::new())).await;
    assert_eq!((found, repair), (vec!["address web".to_owned()], corrected.map(str::to_owned).to_vec()));
    let (found, repair) = reported(|web| web.nics[0].addresses = None).await;
    assert_eq!(
        (found.len(), repair.len()),
        (0, 0),
        "a platform that doesn't know them: {found:?} {repair:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_lost_its_files_is_created_again_with_its_tasks() {
    let (found, repair) = reported(|web| web.damage = Some("its files no longer exist".to_owned())).await;
    assert_eq!(found, ["machine_damaged web"]);
    let created =
        ["machine.ensure web", "machine.start web", "machine.wait web", "playbook base", "verify r"];
    assert_eq!(repair, created);
}

/// Changes by hand of the things of [`LAB`].
fn changes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::btree_set(0..10_u8, 0..5).prop_map(|set| set.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        rng_seed: RngSeed::Fixed(15),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_was_changed_by_hand_the_repair_touches_that_alone(changes in changes()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let mut site = Site::up(expand(LAB)).await;
            let machines = ["gw", "web", "db"];
            let mut touched: Vec<String> = Vec::new();
            for change in &changes {
                let name = machines[usize::from(change % 3)];
                let act = match change {
                    0..3 => ByHand::Stop(site.machine(name)),
                    3..6 => ByHand::Detach(site.machine(name), 0),
                    6..9 => ByHand::Delete(site.machine(name)),
                    _ => ByHand::Flush(site.owner.thing(ThingKind::Rules, "gw")),
                };
                site.by_hand(&act);
                touched.push(if *change == 9 { "gw".to_owned() } else { name.to_owned() });
            }
            let (differences, plan) = site.drift().await;
            assert_eq!(differences.is_empty(), plan.is_empty());
            for step in &plan.steps {
                let is_of_range = matches!(step.kind, StepKind::Playbook | StepKind::Verify);
                assert!(is_of_range || touched.contains(&step.name), "{changes:?}: {} {}", step.kind, step.name);
                if let Work::RunTask { machines, .. } = &step.work {
                    assert!(machines.iter().all(|machine| touched.contains(machine)), "{machines:?}");
                }
            }
            site.repair().await;
        });
    }
}
