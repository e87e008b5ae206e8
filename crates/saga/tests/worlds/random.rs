//! Random plans with random faults, crashes, and cancels: everything that remains is listed, and foreign things are unchanged.

use std::collections::BTreeSet;

use proptest::{prelude::*, sample::Index};
use saga::{Ending, Goal, OnFailure};

use crate::{
    lab::{Kind, Lab, Shape, options, tag},
    world::{Fault, Verb},
};

#[derive(Debug, Clone)]
struct Scenario {
    shape: Shape,
    faults: Vec<(Index, Verb, Fault)>,
    /// Writes at which holders die, and whether the write is durable.
    crashes: Vec<(usize, bool)>,
    cancel: Option<Index>,
    keeps: bool,
    submits: bool,
}

/// Each step needs some of those before it; one that sets something needs the thing.
fn shape() -> impl Strategy<Value = Shape> {
    let step = (any::<bool>(), proptest::collection::vec(any::<Index>(), 0..3));
    proptest::collection::vec(step, 1..14).prop_map(|steps| {
        let mut made: Vec<(Kind, Vec<u32>)> = Vec::new();
        for (at, (makes, needs)) in (0_u32..).zip(steps) {
            let mut needs: Vec<u32> = needs
                .iter()
                .filter(|_| at > 0)
                .map(|need| u32::try_from(need.index(at as usize)).expect("few"))
                .collect();
            let thing = needs.iter().find(|need| made[**need as usize].0 == Kind::Make).copied();
            let kind = match thing {
                Some(thing) if !makes => Kind::Set(thing),
                _ => Kind::Make,
            };
            needs.sort_unstable();
            needs.dedup();
            made.push((kind, needs));
        }
        Shape(made)
    })
}

fn scenario() -> impl Strategy<Value = Scenario> {
    let verb = prop_oneof![
        Just(Verb::Create),
        Just(Verb::Set),
        Just(Verb::Unset),
        Just(Verb::Find),
        Just(Verb::Delete),
        Just(Verb::Operation)
    ];
    let fault = prop_oneof![
        Just(Fault::Refuse),
        Just(Fault::Busy),
        Just(Fault::BusyButDone),
        Just(Fault::Silence),
        Just(Fault::SilenceButDone),
        Just(Fault::SilenceButLate),
        Just(Fault::HangButDone),
        Just(Fault::Half)
    ];
    (
        shape(),
        proptest::collection::vec((any::<Index>(), verb, fault), 0..8),
        proptest::collection::vec((1_usize..25, any::<bool>()), 0..4),
        proptest::option::of(any::<Index>()),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(shape, faults, crashes, cancel, keeps, submits)| Scenario {
            shape,
            faults,
            crashes,
            cancel,
            keeps,
            submits,
        })
}

async fn plays(scenario: Scenario) {
    let on_failure = if scenario.keeps { OnFailure::Keep } else { OnFailure::Rollback };
    let lab = Lab::of(scenario.shape, saga::Options { on_failure, ..options() }, scenario.submits);
    let step = |index: &Index| u32::try_from(index.index(lab.count() as usize)).expect("few");
    for (index, verb, fault) in &scenario.faults {
        lab.script(*verb, step(index), *fault);
    }
    for (write, is_written) in scenario.crashes {
        if lab.run_and_die(Goal::Continue, write, is_written).await.is_some() {
            break;
        }
    }
    let outcome = match scenario.cancel {
        Some(index) => lab.run_and_cancel_after(step(&index)).await,
        None => lab.run(Goal::Continue).await,
    };
    check(&lab, &outcome).await;
    let is_kept = outcome.ending == Ending::Kept;
    assert!(!is_kept || scenario.keeps, "{outcome:?}");
    // Without further faults, all of it goes away, and can be built again.
    lab.driver.world.forget_script();
    let outcome = lab.run(Goal::Rollback).await;
    assert_eq!((outcome.ending, outcome.left.len()), (Ending::Clean, 0), "{outcome:?}");
    lab.assert_nothing_is_left().await;
    assert_eq!(lab.run(Goal::Resume).await.ending, Ending::Succeeded);
    lab.assert_complete().await;
}

async fn check(lab: &Lab, outcome: &saga::Outcome) {
    match outcome.ending {
        Ending::Succeeded => lab.assert_complete().await,
        Ending::Clean => lab.assert_nothing_is_left().await,
        Ending::Left => {
            let listed: BTreeSet<String> = outcome.left.iter().map(|left| tag(left.step)).collect();
            let owned = lab.owned().await;
            assert!(owned.keys().all(|tag| listed.contains(tag)), "{listed:?} {owned:?}");
        }
        Ending::Kept => {
            lab.owned().await;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_step_is_undone_or_listed(scenario in scenario()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(plays(scenario));
    }
}
