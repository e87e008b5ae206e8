//! A step that fails: everything is undone or kept, and what remains is listed.

use std::collections::BTreeSet;

use saga::{Ending, Goal};
use tokio::time::Instant;

use crate::{
    lab::{Lab, Shape, keeping, options, tag},
    world::{Fault, LATE, Verb},
};

#[tokio::test(start_paused = true)]
async fn a_plan_without_failures_makes_all_that_it_is_for() {
    for submits in [false, true] {
        let lab = Lab::of(Shape::range(), options(), submits);
        let outcome = lab.run(Goal::Continue).await;
        assert_eq!((outcome.ending, outcome.failures.len()), (Ending::Succeeded, 0));
        lab.assert_complete().await;
        assert!(
            lab.driver.world.requests().iter().all(|(verb, _)| *verb != Verb::Find),
            "no look-up is needed"
        );
        // Once more changes nothing.
        let requests = lab.driver.world.requests().len();
        assert_eq!(lab.run(Goal::Continue).await.ending, Ending::Succeeded);
        assert_eq!(lab.driver.world.requests().len(), requests);
    }
}

#[tokio::test(start_paused = true)]
async fn whichever_step_fails_the_rollback_leaves_nothing() {
    for (submits, fault) in
        [(false, Fault::Refuse), (true, Fault::Refuse), (false, Fault::Half), (true, Fault::Half)]
    {
        let count = Lab::new(options()).count();
        for step in 0..count {
            let lab = Lab::of(Shape::range(), options(), submits);
            lab.script(lab.write_verb(step), step, fault);
            let outcome = lab.run(Goal::Continue).await;
            let failed: Vec<u32> = outcome.failures.iter().map(|failure| failure.step).collect();
            assert_eq!((outcome.ending, failed), (Ending::Clean, vec![step]), "{outcome:?}");
            lab.assert_nothing_is_left().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whichever_step_fails_a_kept_plan_is_resumed_to_its_end() {
    for fault in [Fault::Refuse, Fault::Half] {
        for step in 0..Lab::new(keeping()).count() {
            let lab = Lab::new(keeping());
            lab.script(lab.write_verb(step), step, fault);
            let outcome = lab.run(Goal::Continue).await;
            assert_eq!((outcome.ending, outcome.failures[0].step), (Ending::Kept, step));
            let (requests, owned) = (lab.driver.world.requests().len(), lab.owned().await);
            assert_eq!(lab.run(Goal::Continue).await.ending, Ending::Kept, "only by request");
            assert_eq!(lab.driver.world.requests().len(), requests);
            let begun = Instant::now();
            let outcome = lab.run(Goal::Resume).await;
            assert_eq!((outcome.ending, outcome.failures.len()), (Ending::Succeeded, 0));
            assert!(begun.elapsed() < LATE, "the failed call was answered, so nothing of it is to come");
            lab.assert_complete().await;
            let requests = lab.driver.world.requests().split_off(requests);
            let again =
                requests.iter().filter(|(verb, tag)| *verb == Verb::Create && owned.contains_key(tag));
            assert_eq!(again.count(), 0, "what was made is not made again");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whichever_step_fails_a_kept_plan_is_rolled_back_by_request() {
    for step in 0..Lab::new(keeping()).count() {
        let lab = Lab::new(keeping());
        lab.script(lab.write_verb(step), step, Fault::Half);
        assert_eq!(lab.run(Goal::Continue).await.ending, Ending::Kept);
        assert_eq!(lab.run(Goal::Rollback).await.ending, Ending::Clean);
        lab.assert_nothing_is_left().await;
        // And built once more.
        assert_eq!(lab.run(Goal::Resume).await.ending, Ending::Succeeded);
        lab.assert_complete().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_undone_is_listed_with_how_to_remove_it() {
    for step in 0..Lab::new(options()).count() - 1 {
        let lab = Lab::new(options());
        let last = lab.count() - 1;
        lab.script(lab.write_verb(last), last, Fault::Refuse);
        lab.script(lab.undo_verb(step), step, Fault::Refuse);
        let outcome = lab.run(Goal::Continue).await;
        let left: BTreeSet<String> = outcome.left.iter().map(|left| tag(left.step)).collect();
        assert!(outcome.ending == Ending::Left && left.contains(&tag(step)), "{outcome:?}");
        for left in &outcome.left {
            assert_eq!(left.remedy, format!("remove `{}` by hand", tag(left.step)));
            assert!(left.why.contains("refused") || left.why.contains("in use"), "{left:?}");
        }
        let owned = lab.owned().await;
        assert!(owned.keys().all(|tag| left.contains(tag)), "{left:?} {owned:?}");
        // The refusal was for once: a second rollback removes the rest.
        let outcome = lab.run(Goal::Rollback).await;
        assert_eq!((outcome.ending, outcome.left), (Ending::Clean, Vec::new()));
        lab.assert_nothing_is_left().await;
    }
}

#[tokio::test(start_paused = true)]
async fn steps_that_run_are_let_end_and_nothing_new_begins_after_a_failure() {
    let lab = Lab::new(keeping());
    // Three networks begin together; the first fails while the others are made.
    lab.script(Verb::Create, 0, Fault::Refuse);
    let outcome = lab.run(Goal::Continue).await;
    assert_eq!(outcome.ending, Ending::Kept);
    let owned: Vec<String> = lab.owned().await.into_keys().collect();
    assert_eq!(owned, [tag(1), tag(2)]);
    assert_eq!(lab.driver.world.requests().len(), 3);
}
