//! The clock of the service jumps back during runs.
//!
//! The machine's clock stays as it is: Debian's libfaketime (package `faketime`) shows the service another one.

use std::{fs, path::Path};

use crate::{
    fake, is_long,
    truth::{self, Hit, SubmittedJob},
};

/// Where Debian puts it.
const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

#[tokio::test]
async fn no_job_is_lost_when_the_clock_jumps_back_and_forth() {
    if !is_long() || !Path::new(LIBRARY).exists() {
        println!("skipped: only in the long form, with Debian's package `faketime`");
        return;
    }
    let setup = fake::setup();
    let file = setup.home().join("clock");
    fs::write(&file, "+0\n").expect("writable");
    let settings = [
        ("LD_PRELOAD", LIBRARY.to_owned()),
        ("FAKETIME_TIMESTAMP_FILE", file.to_string_lossy().into_owned()),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        // What is measured with the clock that cannot be set stays true.
        ("DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
    ];
    let mut app = settings.into_iter().fold(setup, |setup, (name, value)| setup.set(name, value)).start();
    let mut jobs = Vec::new();
    for (number, jump) in ["-2h", "+1h", "-30d", "+0"].into_iter().enumerate() {
        jobs.push(SubmittedJob::fake(&app, number * 2, 1.0, false).await);
        jobs.push(SubmittedJob::fake(&app, number * 2 + 1, 12.0, true).await);
        jobs[number * 2 + 1].job.until_state("running").await;
        fs::write(&file, format!("{jump}\n")).expect("writable");
        if number == 2 {
            app.kill();
            app.start_again();
        }
    }
    let counts = truth::assert_all(&app, &jobs, &Hit::default()).await.states;
    println!(
        "figure: the service's clock jumps by -2 h, +1 h, -30 days with a crash, and back during {} runs | {counts:?} | 0 \
         false ends, 0 lost jobs",
        jobs.len()
    );
}
