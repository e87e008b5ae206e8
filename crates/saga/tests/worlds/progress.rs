//! The visible state of a running plan: progress, remaining time, why a step waits, events.

use std::time::Duration;

use model::{JournalPhase, StepState};
use saga::{Ending, Event, Goal, Waiting};
use tokio::time::sleep;

use crate::{
    lab::{Kind, Lab, Shape, options, tag},
    world::{Fault, LATENCY, Verb},
};

/// A network, two machines on it, one started.
fn small() -> Shape {
    let make = |needs: &[u32]| (Kind::Make, needs.to_vec());
    Shape(vec![make(&[]), make(&[0]), make(&[0]), make(&[0]), (Kind::Set(1), vec![1])])
}

#[tokio::test(start_paused = true)]
async fn progress_and_reasons_are_seen_while_a_plan_runs() {
    let mut lab = Lab::of(small(), options(), false);
    lab.options.at_once = 3;
    lab.script(Verb::Create, 1, Fault::Silence);
    let (journal, mut saga) = (lab.journal.take_over(), lab.saga());
    let handle = saga.handle();
    let run = saga.run(Goal::Continue, &journal, &lab.driver, |_| {});
    let look = async {
        sleep(LATENCY / 2).await;
        let progress = handle.progress();
        assert_eq!((progress.done, progress.running, progress.total), (0, 1, 5));
        // Half of the first step, then a machine and its start, at the pace of the estimates.
        assert_eq!(progress.remaining, Some(LATENCY * 5 / 2));
        assert_eq!((handle.waiting(0), handle.waiting(1)), (None, Some(Waiting::For(vec![0]))));
        assert_eq!(handle.waiting(4), Some(Waiting::For(vec![1])));
        sleep(LATENCY).await;
        let copies = "copies on storage".to_owned();
        assert_eq!((handle.waiting(1), handle.waiting(2)), (None, None));
        assert_eq!(handle.waiting(3), Some(Waiting::Class(copies)));
        assert_eq!(handle.progress().done, 1);
        sleep(LATENCY).await;
        // The call for the first machine got no reply: the look-up follows once it can't appear any more.
        let Some(Waiting::Repeats { after, why }) = handle.waiting(1) else { panic!("it settles") };
        assert_eq!((after, why.as_str()), (lab.options.settle - LATENCY / 2, "no answer"));
        assert_eq!(handle.entries()[1].state, StepState::Unknown);
    };
    let (outcome, ()) = tokio::join!(run, look);
    assert_eq!(outcome.expect("the journal answers").ending, Ending::Succeeded);
    let progress = handle.progress();
    assert_eq!((progress.phase, progress.done, progress.remaining), (JournalPhase::Ended, 5, None));
    assert_eq!(handle.waiting(4), None);
}

#[tokio::test(start_paused = true)]
async fn the_time_that_is_left_follows_the_observed_pace() {
    // A chain whose steps take twice as long as estimated: the first answer of each is an error.
    let chain = |length: u32| {
        (0..length).map(|step| (Kind::Make, if step == 0 { Vec::new() } else { vec![step - 1] })).collect()
    };
    let mut lab = Lab::of(Shape(chain(20)), options(), false);
    lab.options.settle = Duration::ZERO;
    (0..20).for_each(|step| lab.script(Verb::Create, step, Fault::SilenceButDone));
    let (journal, mut saga) = (lab.journal.take_over(), lab.saga());
    let handle = saga.handle();
    let run = saga.run(Goal::Continue, &journal, &lab.driver, |_| {});
    let look = async {
        // Each takes 3 s instead of 2.
        sleep(Duration::from_secs(30)).await;
        let progress = handle.progress();
        assert_eq!(progress.done, 10);
        let left = progress.remaining.expect("it goes forward").as_secs_f64();
        assert!((27.0..=30.0).contains(&left), "{progress:?}");
    };
    let (outcome, ()) = tokio::join!(run, look);
    assert_eq!(outcome.expect("the journal answers").ending, Ending::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn every_move_is_reported_once_with_its_step_and_in_order() {
    let lab = Lab::new(options());
    lab.script(Verb::Create, 5, Fault::Refuse);
    let (journal, mut events) = (lab.journal.take_over(), Vec::new());
    let report = |event: &Event| events.push(event.clone());
    let outcome = lab.saga().run(Goal::Continue, &journal, &lab.driver, report).await;
    assert_eq!(outcome.expect("the journal answers").ending, Ending::Clean);
    let mut states = vec![StepState::Pending; lab.count() as usize];
    let mut phases = Vec::new();
    for event in &events {
        match event {
            Event::Moved { step, kind, subject, from, to, why } => {
                assert_eq!((states[*step as usize], *subject == format!("thing-{step}")), (*from, true));
                assert_eq!(kind == "make", lab.write_verb(*step) == Verb::Create);
                assert_eq!(*to == StepState::Failed, why.is_some() && *from == StepState::Started);
                states[*step as usize] = *to;
            }
            Event::Phase(phase) => phases.push(*phase),
            Event::Repeats { .. } => panic!("nothing is repeated"),
        }
    }
    assert_eq!(phases, [JournalPhase::Back, JournalPhase::Ended]);
    assert!(states.iter().all(|state| matches!(state, StepState::Pending | StepState::Undone)));
    assert_eq!(lab.driver.world.requests().iter().filter(|(_, about)| *about == tag(5)).count(), 2);
}
