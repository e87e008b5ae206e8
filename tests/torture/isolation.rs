//! The cost of a sandbox: the same job with and without one, alternating.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::Setup;

use crate::by_form;

#[tokio::test]
async fn a_sandbox_costs_little_and_changes_no_end() {
    if std::process::Command::new("bwrap").arg("--version").output().is_err() {
        println!("NOT TESTED: there is no bubblewrap");
        return;
    }
    let app = Setup::new().set("RANGEHAND__RUNS__ISOLATION", "process").start();
    let rounds = by_form(2, 30);
    let levels = ["process", "sandbox"];
    let mut times: [Vec<Duration>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for (level, times) in levels.iter().zip(&mut times) {
            let begun = Instant::now();
            let job = app.run(&json!({"bundle": "ping", "limit": "localhost", "isolation": level})).await;
            assert_eq!(job["state"], "succeeded", "{job:#}");
            times.push(begun.elapsed());
        }
    }
    times.iter_mut().for_each(|times| times.sort_unstable());
    let [without, with] = &times;
    let ratio = |at: usize| with[at].as_secs_f64() / without[at].as_secs_f64();
    println!(
        "figure: a ping in a sandbox against one without | {rounds} each, in turns: median {:.2} against {:.2} s (ratio \
         {:.2}), least {:.2} against {:.2} s (ratio {:.2}) | 0 jobs that end otherwise",
        with[rounds / 2].as_secs_f64(),
        without[rounds / 2].as_secs_f64(),
        ratio(rounds / 2),
        with[0].as_secs_f64(),
        without[0].as_secs_f64(),
        ratio(0),
    );
}
