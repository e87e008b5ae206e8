//! Misleading answers: calls that are carried out but answered with an error, carried out later, or never answered.

use saga::{Ending, Goal};

use crate::{
    lab::{Lab, Shape, options},
    world::{Fault, Verb},
};

const PASSING: [Fault; 6] = [
    Fault::Busy,
    Fault::BusyButDone,
    Fault::Silence,
    Fault::SilenceButDone,
    Fault::SilenceButLate,
    Fault::HangButDone,
];

#[tokio::test(start_paused = true)]
async fn a_write_that_is_answered_with_an_error_is_carried_out_once() {
    for fault in PASSING {
        for submits in [false, true] {
            for step in 0..Lab::new(options()).count() {
                let lab = Lab::of(Shape::range(), options(), submits);
                lab.script(lab.write_verb(step), step, fault);
                let outcome = lab.run(Goal::Continue).await;
                assert_eq!(outcome.ending, Ending::Succeeded, "{fault:?} {step} {outcome:?}");
                lab.assert_complete().await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_write_is_answered_with_an_error_and_the_plan_succeeds() {
    for fault in PASSING {
        for submits in [false, true] {
            let lab = Lab::of(Shape::range(), options(), submits);
            for step in 0..lab.count() {
                lab.script(lab.write_verb(step), step, fault);
                lab.script(Verb::Find, step, Fault::Busy);
                lab.script(Verb::Operation, step, Fault::Silence);
            }
            let outcome = lab.run(Goal::Continue).await;
            assert_eq!(outcome.ending, Ending::Succeeded, "{fault:?} {outcome:?}");
            lab.assert_complete().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_is_answered_with_an_error_is_repeated_until_nothing_is_left() {
    for fault in PASSING {
        for undone in 0..Lab::new(options()).count() {
            let lab = Lab::new(options());
            let last = lab.count() - 1;
            lab.script(lab.write_verb(last), last, Fault::Refuse);
            lab.script(lab.undo_verb(undone), undone, fault);
            let outcome = lab.run(Goal::Continue).await;
            assert_eq!(outcome.ending, Ending::Clean, "{fault:?} {undone} {outcome:?}");
            lab.assert_nothing_is_left().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_whose_look_up_always_fails_stays_unknown_and_is_undone() {
    let lab = Lab::new(options());
    lab.script(Verb::Create, 1, Fault::SilenceButLate);
    (0..lab.options.tries).for_each(|_| lab.script(Verb::Find, 1, Fault::Silence));
    let outcome = lab.run(Goal::Continue).await;
    assert_eq!((outcome.ending, outcome.failures[0].step), (Ending::Clean, 1));
    assert!(outcome.failures[0].why.contains("the look-up failed"), "{outcome:?}");
    lab.assert_nothing_is_left().await;
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_never_carried_out_is_given_up_after_its_tries() {
    for fault in [Fault::Busy, Fault::Silence] {
        let lab = Lab::new(options());
        (0..9).for_each(|_| lab.script(Verb::Create, 3, fault));
        let outcome = lab.run(Goal::Continue).await;
        assert_eq!(outcome.ending, Ending::Clean);
        assert!(outcome.failures[0].why.starts_with("gave up after 4 tries: "), "{outcome:?}");
        let creates = lab.driver.world.requests();
        assert_eq!(
            creates.iter().filter(|(verb, tag)| *verb == Verb::Create && tag.ends_with("-3")).count(),
            4
        );
        lab.assert_nothing_is_left().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_never_ends_is_left_after_its_tries() {
    let lab = Lab::new(options());
    lab.script(Verb::Create, 3, Fault::Refuse);
    (0..99).for_each(|_| lab.script(Verb::Delete, 0, Fault::Busy));
    let outcome = lab.run(Goal::Continue).await;
    assert_eq!(outcome.ending, Ending::Left);
    assert_eq!(outcome.left.iter().map(|left| left.step).collect::<Vec<_>>(), [0]);
}
