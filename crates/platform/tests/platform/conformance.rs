//! What every platform must do, as functions over any of them.

use std::{collections::BTreeSet, sync::Arc};

use platform::{
    Call, Change, Effect, Error, Fault, Observed, Platform, Power, RulesState, ThingKind, Wanted,
};

use range::Desired;

use crate::drive::{self, Drive, machines, shape, things, wanted};

/// A platform under test, and what can be done to it besides its calls.
pub(crate) trait Site {
    fn platform(&self) -> &dyn Platform;
    /// Everything on the platform that is not Rangehand's, as a text.
    fn foreign(&self) -> String;
    /// Makes the call go wrong; sites that cannot are not asked to pass the tests with faults.
    fn set_faults(&self, faults: Vec<Fault>);
    /// The range that the tests create; platforms differ in kinds of machines, and some set no rules.
    fn desired(&self, octet: u8) -> Desired {
        drive::desired(octet)
    }
}

/// Makes, observes and removes the same range twice, each call twice.
pub(crate) async fn every_call_may_be_repeated(site: &dyn Site) {
    let (before, drive, desired) = (site.foreign(), Drive::new(site.platform(), "twice"), site.desired(40));
    for _ in 0..2 {
        let changes = drive.up(&desired).await.unwrap();
        assert!(changes.iter().all(|change| *change == Change::Created), "{changes:?}");
        let first = drive.observe().await;
        complete(&desired, &first);
        let changes = drive.up(&desired).await.unwrap();
        assert!(changes.iter().all(|change| *change == Change::Adopted), "{changes:?}");
        assert_eq!(drive.observe().await, first, "a repetition changes nothing");
        for power in [Power::Off, Power::Off, Power::On, Power::On] {
            for machine in machines(&drive.owner, &desired) {
                drive.power(&machine, power).await.unwrap();
            }
            let observed = drive.observe().await;
            assert!(observed.machines.iter().all(|machine| machine.power == power), "{observed:#?}");
        }
        assert_eq!(shape(&drive.observe().await), shape(&first));
        for thing in things(&drive.owner, &desired) {
            drive.remove(&thing).await.unwrap();
            drive.remove(&thing).await.unwrap();
        }
        assert_gone(&drive.observe().await);
    }
    assert_eq!(site.foreign(), before);
}

/// What was changed is corrected by the next call, and nothing else is touched.
pub(crate) async fn what_is_wrong_is_corrected(site: &dyn Site) {
    let (drive, desired) = (Drive::new(site.platform(), "wrong"), site.desired(41));
    drive.up(&desired).await.unwrap();
    let mut other = (*desired.machines[2]).clone();
    other.nics[0].network = "dmz".to_owned();
    other.nics[0].address = Some("10.41.1.77/24".parse().unwrap());
    other.gateway = Some("10.41.1.1".parse().unwrap());
    let moved = crate::drive::machine_wanted(&Arc::new(other));
    assert_eq!(drive.ensure(&moved).await.unwrap(), Change::Corrected);
    let observed = drive.observe().await;
    let nic = &observed.machine("db").unwrap().nics[0];
    assert_eq!(
        (nic.network.as_deref(), nic.known_addresses()[0].to_string()),
        (Some("dmz"), "10.41.1.77/24".to_owned())
    );
    let changes = drive.up(&desired).await.unwrap();
    let corrected = changes.iter().filter(|change| **change == Change::Corrected).count();
    assert_eq!(corrected, 1, "{changes:?}");
    complete(&desired, &drive.observe().await);
    drive.down(&desired).await.unwrap();
    assert_gone(&drive.observe().await);
}

/// Calls about things that do not exist say so, except for their removal.
pub(crate) async fn what_is_not_there_is_gone(site: &dyn Site) {
    let drive = Drive::new(site.platform(), "nothing");
    let machine = drive.owner.thing(ThingKind::Machine, "web");
    assert_gone(&drive.observe().await);
    assert!(matches!(drive.power(&machine, Power::On).await, Err(Error::Gone { .. })));
    assert!(matches!(site.platform().access(&machine).await, Err(Error::Gone { .. })));
    assert!(matches!(drive.wait_ready(&machine).await, Err(Error::Gone { .. })));
    drive.remove(&machine).await.unwrap();
    drive.remove(&drive.owner.thing(ThingKind::Network, "dmz")).await.unwrap();
}

/// Two ranges of the same names at the same time.
pub(crate) async fn two_ranges_share_nothing(site: &dyn Site) {
    let (a, b) = (Drive::new(site.platform(), "one"), Drive::new(site.platform(), "two"));
    let (desired_a, desired_b) = (site.desired(42), site.desired(43));
    let (up_a, up_b) = tokio::join!(a.up(&desired_a), b.up(&desired_b));
    up_a.unwrap();
    up_b.unwrap();
    let (seen_a, seen_b) = (a.observe().await, b.observe().await);
    complete(&desired_a, &seen_a);
    complete(&desired_b, &seen_b);
    let shared: Vec<String> = held(&seen_a).intersection(&held(&seen_b)).cloned().collect();
    assert!(shared.is_empty(), "{shared:?}");
    a.down(&desired_a).await.unwrap();
    assert_gone(&a.observe().await);
    assert_eq!(b.observe().await, seen_b, "the other range stays as it is");
    b.down(&desired_b).await.unwrap();
    assert_gone(&b.observe().await);
}

/// For every kind of call: it fails, is throttled, or is answered with a timeout, before or after it took effect. What is repeated
/// ends in the same state, and removal leaves nothing.
pub(crate) async fn faults_end_in_the_same_state(site: &dyn Site) {
    let (before, desired) = (site.foreign(), site.desired(44));
    let drive = Drive::new(site.platform(), "faults");
    drive.up(&desired).await.unwrap();
    let right = shape(&drive.observe().await);
    drive.down(&desired).await.unwrap();
    for call in CALLS {
        for effect in [Effect::Fail, Effect::Throttle(50), Effect::TimeoutBefore, Effect::TimeoutAfter] {
            for skip in 0..2 {
                let case = format!("{call:?} {effect:?}, after {skip} that went well");
                let fault = Fault { call, thing: None, skip, times: Some(2), effect: effect.clone() };
                site.set_faults(vec![fault]);
                drive.up(&desired).await.unwrap_or_else(|error| panic!("{case}: {error}"));
                assert_eq!(shape(&drive.observe().await), right, "{case}");
                drive.down(&desired).await.unwrap_or_else(|error| panic!("{case}: {error}"));
                assert_gone(&drive.observe().await);
                assert_eq!(site.foreign(), before, "{case}");
            }
        }
    }
    site.set_faults(Vec::new());
}

/// For every kind of call and every thing: the platform refuses it for good. Removal of what there is leaves nothing.
pub(crate) async fn a_refused_call_leaves_what_can_be_removed(site: &dyn Site) {
    let (desired, drive) = (site.desired(45), Drive::new(site.platform(), "refused"));
    for call in [Call::EnsureNetwork, Call::EnsureMachine, Call::EnsureRules, Call::Power] {
        for wanted in wanted(&desired) {
            let thing = Some(wanted.name().to_owned());
            let effect = Effect::Refuse("no".to_owned());
            site.set_faults(vec![Fault { call, thing, skip: 0, times: None, effect }]);
            match drive.up(&desired).await {
                Ok(_) => complete(&desired, &drive.observe().await),
                Err(error) => assert_eq!(error, Error::refused("no")),
            }
            drive.down(&desired).await.unwrap();
            assert_gone(&drive.observe().await);
        }
    }
    site.set_faults(Vec::new());
}

/// A name of a foreign thing is rejected, and that thing is unchanged.
pub(crate) async fn a_foreign_name_is_refused(site: &dyn Site, plant: &dyn Fn(&platform::Thing, &Wanted)) {
    let (desired, drive) = (site.desired(46), Drive::new(site.platform(), "foreign"));
    for wanted in &wanted(&desired)[..3] {
        plant(&drive.owner.thing(wanted.kind(), wanted.name()), wanted);
    }
    let before = site.foreign();
    for wanted in &wanted(&desired)[..3] {
        let thing = drive.owner.thing(wanted.kind(), wanted.name());
        assert!(matches!(drive.ensure(wanted).await, Err(Error::Refused { .. })), "{thing}");
        assert!(matches!(drive.remove(&thing).await, Err(Error::Refused { .. })), "{thing}");
    }
    assert_gone(&drive.observe().await);
    assert_eq!(site.foreign(), before);
}

/// Checks that all of the range runs, with rules if it has any.
fn complete(desired: &Desired, observed: &Observed) {
    assert_complete_with(
        observed,
        if desired.routers.is_empty() { RulesState::None } else { RulesState::Set },
    );
}

const CALLS: [Call; 7] = [
    Call::EnsureNetwork,
    Call::EnsureMachine,
    Call::EnsureRules,
    Call::Power,
    Call::Observe,
    Call::Wait,
    Call::Remove,
];

/// All numbers, addresses and names of which the platform has only one each.
fn held(observed: &Observed) -> BTreeSet<String> {
    let networks = observed
        .networks
        .iter()
        .flat_map(|network| [format!("network {}", network.id), format!("subnet {}", network.cidr.unwrap())]);
    let machines = observed.machines.iter().flat_map(|machine| {
        let nics = machine.nics.iter().flat_map(|nic| {
            let addresses = nic.known_addresses().iter().map(|address| format!("address {address}"));
            addresses.chain([format!("mac {}", nic.mac)])
        });
        nics.chain([format!("machine {}", machine.id)])
    });
    networks.chain(machines).collect()
}

/// The range of [`Site::desired`], all of it running.
pub(crate) fn assert_complete(observed: &Observed) {
    assert_complete_with(observed, RulesState::Set);
}

/// The same; the router has these rules.
pub(crate) fn assert_complete_with(observed: &Observed, rules: RulesState) {
    assert!(observed.leftovers.is_empty(), "{observed:#?}");
    let names: Vec<_> = observed.networks.iter().map(|network| network.name.as_str()).collect();
    assert_eq!(names, ["dmz", "inner"]);
    let found = observed.machines.iter().map(|machine| {
        let nics: Vec<_> = machine.nics.iter().map(|nic| nic.network.as_deref().unwrap_or("none")).collect();
        (machine.name.as_str(), nics, machine.power, machine.rules)
    });
    let expected = [
        ("db", vec!["inner"], Power::On, RulesState::None),
        ("gw", vec!["dmz", "inner"], Power::On, rules),
        ("web", vec!["dmz"], Power::On, RulesState::None),
    ];
    assert_eq!(found.collect::<Vec<_>>(), expected);
    let octets: Vec<_> = observed
        .machines
        .iter()
        .flat_map(|machine| &machine.nics)
        .map(|nic| nic.known_addresses()[0].addr().to_string().rsplit('.').next().unwrap().to_owned())
        .collect();
    assert_eq!(octets, ["10", "1", "1", "10"]);
}

pub(crate) fn assert_gone(observed: &Observed) {
    assert!(observed.is_empty(), "{observed:#?}");
}
