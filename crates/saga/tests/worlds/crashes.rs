//! Holders that die at each write of the journal, and others that continue.

use model::StepState;
use saga::{Ending, Error, Event, Goal, Journal, MemoryError};

use tokio::time::sleep;

use crate::{
    lab::{Kind, Lab, Shape, keeping, options, tag},
    world::{Fault, LATE, Verb},
};

/// Dies at each write in turn, before or after it is durable; another holder continues. Returns how many writes there were.
async fn die_at_each_write(make: impl Fn() -> Lab, goal: Goal, ending: Ending) -> usize {
    for is_written in [false, true] {
        for write in 1.. {
            let lab = make();
            if goal != Goal::Continue {
                assert_eq!(lab.run(Goal::Continue).await.ending, Ending::Kept);
                lab.driver.world.forget_script();
            }
            if lab.run_and_die(goal, write, is_written).await.is_some() {
                if is_written {
                    return write - 1;
                }
                break;
            }
            // A request to resume is not repeated: the next holder continues from the journal.
            let again = if write == 1 && !is_written { goal } else { Goal::Continue };
            let outcome = lab.run(again).await;
            assert_eq!(outcome.ending, ending, "write {write}, durable {is_written}: {outcome:?}");
            match ending {
                Ending::Succeeded => lab.assert_complete().await,
                _ => lab.assert_nothing_is_left().await,
            }
        }
    }
    unreachable!("the last write is durable in the end")
}

#[tokio::test(start_paused = true)]
async fn a_plan_continues_after_a_crash_at_each_write() {
    for submits in [false, true] {
        let writes = die_at_each_write(
            || Lab::of(Shape::range(), options(), submits),
            Goal::Continue,
            Ending::Succeeded,
        );
        assert!(writes.await >= 6);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_plan_is_rolled_back_after_a_crash_at_each_write() {
    for submits in [false, true] {
        for step in [0, 3, 8, 12] {
            let make = || {
                let lab = Lab::of(Shape::range(), options(), submits);
                // It fails each time: also when another holder tries it again.
                (0..9).for_each(|_| lab.script(lab.write_verb(step), step, Fault::Refuse));
                lab
            };
            die_at_each_write(make, Goal::Continue, Ending::Clean).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_resume_and_a_rollback_by_request_continue_after_a_crash_at_each_write() {
    let make = || {
        let lab = Lab::new(keeping());
        lab.script(lab.write_verb(8), 8, Fault::Half);
        lab
    };
    die_at_each_write(make, Goal::Resume, Ending::Succeeded).await;
    die_at_each_write(make, Goal::Rollback, Ending::Clean).await;
}

#[tokio::test(start_paused = true)]
async fn holders_that_die_again_and_again_get_to_the_end_together() {
    // The first write records that a result is unknown, the second one that a call is made. Only a holder that survives both continues.
    for (write, fails) in [3, 4, 5].into_iter().flat_map(|write| [(write, false), (write, true)]) {
        let lab = Lab::of(Shape::range(), options(), true);
        if fails {
            lab.script(lab.write_verb(12), 12, Fault::Refuse);
        }
        let mut holders = 0;
        let outcome = loop {
            holders += 1;
            assert!(holders < 500, "no progress");
            if let Some(outcome) = lab.run_and_die(Goal::Continue, write, true).await {
                break outcome;
            }
        };
        if fails {
            assert_eq!(outcome.ending, Ending::Clean);
            lab.assert_nothing_is_left().await;
        } else {
            assert_eq!(outcome.ending, Ending::Succeeded);
            lab.assert_complete().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_a_platform_accepted_is_waited_for_by_the_next_holder() {
    for goal in [Goal::Continue, Goal::Rollback] {
        let lab = Lab::of(Shape(vec![(Kind::Make, Vec::new())]), options(), true);
        lab.script(Verb::Create, 0, Fault::Slow);
        // The steps, the begin, the handle: there the holder dies.
        assert!(lab.run_and_die(Goal::Continue, 3, true).await.is_none());
        let record = lab.journal.take_over().read().await.expect("read").expect("begun");
        let (entry, submitted) = (&record.entries[0], lab.driver.world.requests());
        assert!(entry.state == StepState::Started && entry.handle.is_some(), "{entry:?}");
        assert_eq!(submitted, [(Verb::Create, tag(0))]);
        let outcome = lab.run(goal).await;
        let verbs: Vec<Verb> = lab.driver.world.requests().into_iter().map(|(verb, _)| verb).collect();
        if goal == Goal::Continue {
            assert_eq!(outcome.ending, Ending::Succeeded);
            assert_eq!(verbs, [Verb::Create, Verb::Operation]);
            lab.assert_complete().await;
        } else {
            assert_eq!(outcome.ending, Ending::Clean);
            assert_eq!(verbs, [Verb::Create, Verb::Operation, Verb::Find, Verb::Delete]);
            sleep(LATE * 3).await;
            lab.assert_nothing_is_left().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_holder_whose_plan_was_taken_over_stops_and_the_other_one_ends_it() {
    for taken_after in 0..Lab::new(options()).count() - 1 {
        let lab = Lab::new(options());
        let first = lab.journal.take_over();
        let mut done = 0;
        let mut saga = lab.saga();
        let run = saga.run(Goal::Continue, &first, &lab.driver, |event: &Event| {
            if let Event::Moved { to: StepState::Done, .. } = event {
                done += 1;
                if done == taken_after + 1 {
                    let _ = lab.journal.take_over();
                }
            }
        });
        match run.await {
            Err(Error::Journal(MemoryError::Stale)) => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(lab.run(Goal::Continue).await.ending, Ending::Succeeded);
        lab.assert_complete().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_journal_of_another_plan_is_refused() {
    let lab = Lab::new(options());
    lab.run(Goal::Continue).await;
    let other = Lab::of(Shape(Shape::range().0.split_off(12)), options(), false);
    let mut shape = Shape::range();
    shape.0.pop();
    let other_plan = Lab::of(shape, options(), false);
    let journal = lab.journal.take_over();
    let run = other_plan.saga().run(Goal::Continue, &journal, &other.driver, |_| {}).await;
    assert!(matches!(run, Err(Error::OtherPlan)), "{run:?}");
    assert_eq!(other.driver.world.requests(), []);
    assert!(journal.read().await.expect("read").is_some());
}
