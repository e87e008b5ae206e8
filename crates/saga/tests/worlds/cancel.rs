//! Plans that are canceled while they run.

use std::time::Duration;

use saga::{Ending, Goal};
use tokio::time::{Instant, sleep};

use crate::{
    lab::{Lab, Shape, keeping, options},
    world::{Fault, LATENCY, Verb},
};

#[tokio::test(start_paused = true)]
async fn a_plan_that_is_stopped_after_each_step_is_resumed_or_rolled_back() {
    for step in 0..Lab::new(keeping()).count() {
        for goal in [Goal::Resume, Goal::Rollback] {
            let lab = Lab::new(keeping());
            let outcome = lab.run_and_cancel_after(step).await;
            if outcome.ending == Ending::Succeeded {
                assert!(!outcome.canceled, "it was over");
                continue;
            }
            assert_eq!((outcome.ending, outcome.canceled, outcome.failures.len()), (Ending::Kept, true, 0));
            let again = lab.run(goal).await;
            if goal == Goal::Resume {
                assert_eq!(again.ending, Ending::Succeeded);
                lab.assert_complete().await;
            } else {
                assert_eq!(again.ending, Ending::Clean);
                lab.assert_nothing_is_left().await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_is_canceled_after_each_step_leaves_nothing() {
    for step in 0..Lab::new(options()).count() - 1 {
        let lab = Lab::new(options());
        let outcome = lab.run_and_cancel_after(step).await;
        if outcome.ending == Ending::Succeeded {
            // The last step had begun together with the end of this one.
            assert!(!outcome.canceled && step >= 8, "{step}");
            lab.assert_complete().await;
        } else {
            assert_eq!((outcome.ending, outcome.canceled), (Ending::Clean, true), "{step}");
            lab.assert_nothing_is_left().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancel_reaches_the_steps_that_run_and_ends_waits_for_another_try() {
    let mut lab = Lab::new(keeping());
    lab.options.backoff.first = Duration::from_hours(1);
    lab.options.backoff.most = Duration::from_hours(1);
    lab.script(Verb::Create, 0, Fault::Busy);
    let (journal, mut saga) = (lab.journal.take_over(), lab.saga());
    let handle = saga.handle();
    let begun = Instant::now();
    let run = saga.run(Goal::Continue, &journal, &lab.driver, |_| {});
    let (outcome, ()) = tokio::join!(run, async {
        sleep(LATENCY * 5 / 2).await;
        handle.cancel();
    });
    let outcome = outcome.expect("the journal answers");
    assert_eq!((outcome.ending, outcome.canceled), (Ending::Kept, true));
    assert!(begun.elapsed() < LATENCY * 5, "{:?}", begun.elapsed());
    assert!(outcome.failures[0].why.contains("not tried again"), "{outcome:?}");
    // Step 0 waits; step 6 starts the only machine whose networks exist.
    assert_eq!(*lab.driver.canceled.lock().expect("no panic"), [0, 6]);
}

#[tokio::test]
async fn a_run_can_be_moved_to_another_thread() {
    let lab = std::sync::Arc::new(Lab::of(Shape(Vec::new()), options(), false));
    let run = tokio::spawn(async move {
        let (journal, mut saga) = (lab.journal.take_over(), lab.saga());
        saga.run(Goal::Continue, &journal, &lab.driver, |_| {}).await
    });
    let outcome = run.await.expect("no panic").expect("the journal answers");
    assert_eq!(outcome.ending, Ending::Succeeded, "a plan without steps is done");
}

#[tokio::test(start_paused = true)]
async fn a_cancel_before_the_begin_begins_nothing() {
    let lab = Lab::new(options());
    let (journal, mut saga) = (lab.journal.take_over(), lab.saga());
    saga.handle().cancel();
    let outcome = saga.run(Goal::Continue, &journal, &lab.driver, |_| {}).await.expect("the journal answers");
    assert_eq!((outcome.ending, outcome.canceled), (Ending::Clean, true));
    assert_eq!(lab.driver.world.requests(), []);
}
