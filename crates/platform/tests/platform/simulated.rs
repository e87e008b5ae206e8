//! The simulated platform.

use std::time::Duration;

use platform::{
    Awaited, Call, Effect, Error, Fault, Handle, Platform, Power, Progress, RulesState, SnapshotAction,
    ThingKind, Wanted,
    simulated::{ByHand, Latencies, Options, Simulated},
};
use range::platform_rules::{Limits, PlatformRules};

use crate::{
    conformance::{self, Site, assert_complete, assert_gone},
    drive::{Drive, desired, machine_wanted, machines, shape, wanted},
};

impl Site for Simulated {
    fn platform(&self) -> &dyn Platform {
        self
    }

    fn foreign(&self) -> String {
        Simulated::foreign(self).unwrap().join("\n")
    }

    fn set_faults(&self, faults: Vec<Fault>) {
        Simulated::set_faults(self, faults);
    }
}

/// A platform with latencies and a foreign network and machine.
fn site() -> Simulated {
    let site = Simulated::open(Options::default()).unwrap();
    let others = Drive::new(&site, "others").owner;
    let theirs = wanted(&desired(200));
    for wanted in [&theirs[0], &theirs[2]] {
        let thing = others.thing(wanted.kind(), wanted.name());
        site.by_hand(&ByHand::Plant(thing, wanted.clone())).unwrap();
    }
    site
}

fn instant(options: Options) -> Simulated {
    Simulated::open(Options { latencies: Latencies::none(), ..options }).unwrap()
}

fn fault(call: Call, effect: Effect) -> Fault {
    Fault { call, thing: None, skip: 0, times: None, effect }
}

#[tokio::test(start_paused = true)]
async fn simulated_calls_may_be_repeated() {
    conformance::every_call_may_be_repeated(&site()).await;
}

#[tokio::test(start_paused = true)]
async fn simulated_things_that_are_wrong_are_corrected() {
    conformance::what_is_wrong_is_corrected(&site()).await;
}

#[tokio::test(start_paused = true)]
async fn simulated_things_that_are_not_there_are_gone() {
    conformance::what_is_not_there_is_gone(&site()).await;
}

#[tokio::test(start_paused = true)]
async fn two_simulated_ranges_share_nothing() {
    conformance::two_ranges_share_nothing(&site()).await;
}

#[tokio::test(start_paused = true)]
async fn simulated_faults_end_in_the_same_state() {
    conformance::faults_end_in_the_same_state(&site()).await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_simulated_call_leaves_what_can_be_removed() {
    conformance::a_refused_call_leaves_what_can_be_removed(&site()).await;
}

#[tokio::test(start_paused = true)]
async fn a_foreign_name_is_refused_by_the_simulated_platform() {
    let site = site();
    conformance::a_foreign_name_is_refused(&site, &|thing, wanted| {
        site.by_hand(&ByHand::Plant(thing.clone(), wanted.clone())).unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn time_passes_as_the_latencies_say_and_only_on_the_clock() {
    let latencies = Latencies {
        call_ms: 20,
        network_ms: 400,
        machine_ms: 3_000,
        start_ms: 1_500,
        boot_ms: 12_000,
        ..Latencies::none()
    };
    let site = Simulated::open(Options { latencies, ..Options::default() }).unwrap();
    let (drive, desired) = (Drive::new(&site, "slow"), desired(10));
    let begun = tokio::time::Instant::now();
    for wanted in wanted(&desired).iter().filter(|wanted| wanted.kind() == ThingKind::Network) {
        drive.ensure(wanted).await.unwrap();
    }
    // A call and its task for each of two networks, and a call for each wait.
    assert_eq!(begun.elapsed(), Duration::from_millis(2 * (20 + 400)));
    let web = machine_wanted(&desired.machines[1]);
    drive.ensure(&web).await.unwrap();
    let machine = drive.owner.thing(ThingKind::Machine, "web");
    drive.power(&machine, Power::On).await.unwrap();
    let begun = tokio::time::Instant::now();
    drive.wait_ready(&machine).await.unwrap();
    assert_eq!(begun.elapsed(), Duration::from_millis(12_000));
}

#[tokio::test(start_paused = true)]
async fn a_thing_that_is_worked_on_is_locked() {
    let site = site();
    let (drive, desired) = (Drive::new(&site, "locked"), desired(11));
    for wanted in &wanted(&desired)[..2] {
        drive.ensure(wanted).await.unwrap();
    }
    let web = machine_wanted(&desired.machines[1]);
    let made = site.ensure(&drive.owner, &web).await.unwrap();
    assert!(matches!(made.progress, Progress::Pending(_)));
    let machine = drive.owner.thing(ThingKind::Machine, "web");
    let locked = site.power(&machine, Power::On).await.unwrap_err();
    let Error::Retry { after: Some(after), .. } = locked else { panic!("{locked:?}") };
    assert!(after <= Duration::from_millis(3_000), "{after:?}");
    // The same call again finds the running task.
    assert_eq!(site.ensure(&drive.owner, &web).await.unwrap().progress, made.progress);
    let unknown = Awaited::Task(Handle("simulated:99999".to_owned()));
    assert!(matches!(site.wait(&unknown).await, Err(Error::Gone { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_never_becomes_ready_says_what_its_console_shows() {
    let site = site();
    let (drive, desired) = (Drive::new(&site, "console"), desired(12));
    drive.up(&desired).await.unwrap();
    site.set_faults(vec![fault(Call::Wait, Effect::NeverReady)]);
    let begun = tokio::time::Instant::now();
    let error = drive.wait_ready(&machines(&drive.owner, &desired)[0]).await.unwrap_err();
    assert_eq!(begun.elapsed(), Duration::from_secs(60));
    assert!(
        error.to_string().contains("not ready after 60 s\nhint: the last lines of its console"),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_changed_by_hand_is_observed_and_corrected() {
    let site = instant(Options::default());
    let (drive, desired) = (Drive::new(&site, "drift"), desired(13));
    drive.up(&desired).await.unwrap();
    let right = drive.observe().await;
    let [gw, web, db] = &machines(&drive.owner, &desired)[..] else { panic!() };
    let rules = drive.owner.thing(ThingKind::Rules, "gw");
    for act in [
        ByHand::Stop(gw.clone()),
        ByHand::Detach(web.clone(), 0),
        ByHand::Delete(db.clone()),
        ByHand::Flush(rules),
    ] {
        site.by_hand(&act).unwrap();
    }
    let drifted = drive.observe().await;
    assert!(drifted.machine("db").is_none());
    let gw = drifted.machine("gw").unwrap();
    assert_eq!((gw.power, gw.rules), (Power::Off, RulesState::Changed));
    assert_eq!(drifted.machine("web").unwrap().nics[0].network, None);
    drive.up(&desired).await.unwrap();
    assert_eq!(shape(&drive.observe().await), shape(&right));
}

#[tokio::test]
async fn subnets_addresses_and_quotas_are_kept_apart() {
    let limits = Limits { machines: Some(3), ..Limits::default() };
    let rules = PlatformRules { limits, ..PlatformRules::default() };
    let site = instant(Options { rules, ..Options::default() });
    let (a, b) = (Drive::new(&site, "a"), Drive::new(&site, "b"));
    a.up(&desired(14)).await.unwrap();
    let overlap = b.ensure(&wanted(&desired(14))[0]).await.unwrap_err();
    assert!(overlap.to_string().contains("overlaps"), "{overlap}");
    let full = b.up(&desired(15)).await.unwrap_err();
    assert_eq!(full.to_string(), "machine `gw` would make 4 machines; the platform has 3");
    let mut twin = (*desired(14).machines[1]).clone();
    twin.name = "twin".to_owned();
    let taken = a.ensure(&machine_wanted(&std::sync::Arc::new(twin))).await.unwrap_err();
    assert_eq!(taken.to_string(), "an address of machine `twin` is that of machine `web`");
}

#[tokio::test]
async fn snapshots_are_taken_restored_and_removed() {
    let site = instant(Options::default());
    let (drive, desired) = (Drive::new(&site, "snapshots"), desired(16));
    drive.up(&desired).await.unwrap();
    let web = &machines(&drive.owner, &desired)[1];
    let name = "before".to_owned();
    for action in [
        SnapshotAction::Take(name.clone()),
        SnapshotAction::Take(name.clone()),
        SnapshotAction::Revert(name.clone()),
    ] {
        assert_eq!(site.snapshot(web, &action).await.unwrap(), Progress::Done);
    }
    assert_eq!(drive.observe().await.machine("web").unwrap().snapshots, ["before"]);
    for _ in 0..2 {
        site.snapshot(web, &SnapshotAction::Remove(name.clone())).await.unwrap();
    }
    let error = site.snapshot(web, &SnapshotAction::Revert(name)).await.unwrap_err();
    assert_eq!(error.to_string(), "machine `web` of range `snapshots` has no snapshot `before`");
}

#[tokio::test]
async fn the_state_in_a_file_survives_a_restart_and_is_shared() {
    let dir = tempfile::tempdir().unwrap();
    let file = Some(dir.path().join("simulated.jsonl"));
    let open = || instant(Options { file: file.clone(), ..Options::default() });
    let desired = desired(17);
    let first = open();
    Drive::new(&first, "kept").up(&desired).await.unwrap();
    let second = open();
    assert_complete(&Drive::new(&second, "kept").observe().await);
    // A process that ended in the middle of a line left no effect.
    let path = file.clone().unwrap();
    let mut text = std::fs::read(&path).unwrap();
    text.extend_from_slice(b"{\"drop\":\"machine/te");
    std::fs::write(&path, text).unwrap();
    Drive::new(&second, "kept").down(&desired).await.unwrap();
    assert_gone(&Drive::new(&first, "kept").observe().await);
    drop((first, second));
    assert_gone(&Drive::new(&open(), "kept").observe().await);
}

#[tokio::test]
async fn rules_need_their_machine_and_go_with_it() {
    let site = instant(Options::default());
    let (drive, desired) = (Drive::new(&site, "rules"), desired(18));
    let rules = Wanted::Rules(std::sync::Arc::clone(&desired.routers[0]));
    assert!(matches!(drive.ensure(&rules).await, Err(Error::Gone { .. })));
    drive.up(&desired).await.unwrap();
    let gw = drive.owner.thing(ThingKind::Machine, "gw");
    drive.remove(&gw).await.unwrap();
    drive.ensure(&machine_wanted(&desired.machines[0])).await.unwrap();
    assert_eq!(drive.observe().await.machine("gw").unwrap().rules, RulesState::None);
}
