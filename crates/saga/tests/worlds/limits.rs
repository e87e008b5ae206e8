//! How many steps run at once, which of them first, and how long repeated calls wait.

use std::{sync::atomic::Ordering, time::Duration};

use saga::{Ending, Event, Goal};
use tokio::time::Instant;

use crate::{
    lab::{AT_ONCE, COPIES, Kind, Lab, Shape, options, tag},
    world::{Fault, LATENCY, Verb},
};

#[tokio::test(start_paused = true)]
async fn as_many_steps_run_at_once_as_allowed_and_no_more() {
    // The driver asserts the limits at each call.
    let lab = Lab::of(Shape(vec![(Kind::Make, Vec::new()); 40]), options(), false);
    let begun = Instant::now();
    assert_eq!(lab.run(Goal::Continue).await.ending, Ending::Succeeded);
    assert_eq!(lab.driver.most_at_once.load(Ordering::Relaxed), AT_ONCE);
    assert_eq!(begun.elapsed(), LATENCY * 10);
}

#[tokio::test(start_paused = true)]
async fn a_full_class_does_not_keep_other_steps_from_running() {
    // Step 0, then eight copies of which two can run at once, and six steps without a class.
    let mut steps = vec![(Kind::Make, Vec::new())];
    steps.extend(vec![(Kind::Make, vec![0]); 8]);
    steps.extend(vec![(Kind::Set(0), vec![0]); 6]);
    let lab = Lab::of(Shape(steps), options(), false);
    let begun = Instant::now();
    assert_eq!(lab.run(Goal::Continue).await.ending, Ending::Succeeded);
    assert_eq!(COPIES, 2);
    assert_eq!(begun.elapsed(), LATENCY * 5);
}

#[tokio::test(start_paused = true)]
async fn the_longest_remaining_path_begins_first() {
    // Six single steps, then a chain of six: all free at the begin, two of each at once would be late.
    let mut steps = vec![(Kind::Make, Vec::new()); 6];
    steps.push((Kind::Make, Vec::new()));
    steps.extend((7..12).map(|step| (Kind::Set(6), vec![step - 1])));
    let mut lab = Lab::of(Shape(steps), options(), false);
    lab.options.at_once = 2;
    let begun = Instant::now();
    assert_eq!(lab.run(Goal::Continue).await.ending, Ending::Succeeded);
    assert_eq!(begun.elapsed(), LATENCY * 6, "the chain takes that long alone");
    assert_eq!(lab.driver.world.requests()[0], (Verb::Create, tag(6)));
}

#[tokio::test(start_paused = true)]
async fn repeated_calls_wait_longer_and_longer() {
    let lab = Lab::of(Shape(vec![(Kind::Make, Vec::new())]), options(), false);
    (0..3).for_each(|_| lab.script(Verb::Create, 0, Fault::Busy));
    let (journal, mut waits) = (lab.journal.take_over(), Vec::new());
    let report = |event: &Event| {
        if let Event::Repeats { step: 0, after, why, .. } = event {
            assert_eq!(why, "the platform is busy");
            waits.push(*after);
        }
    };
    let outcome = lab.saga().run(Goal::Continue, &journal, &lab.driver, report).await;
    assert_eq!(outcome.expect("the journal answers").ending, Ending::Succeeded);
    assert_eq!(waits.len(), 3);
    for (wait, whole) in waits.iter().zip([1, 2, 4]) {
        let whole = Duration::from_secs(whole);
        assert!((whole / 2..=whole).contains(wait), "{waits:?}");
    }
}
