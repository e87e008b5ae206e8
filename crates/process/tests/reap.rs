//! Reaping detects the end of a run although one child waits for the next step. A separate program, because it reaps all
//! children.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use process::{NoneLeft, reap_children};

#[test]
#[expect(clippy::zombie_processes, reason = "what is tested waits for them")]
fn a_child_that_is_spared_is_no_child_left_while_threads_come_and_go() {
    let goes_on = Arc::new(AtomicBool::new(true));
    let churning = goes_on.clone();
    let churn = thread::spawn(move || {
        while churning.load(Ordering::Relaxed) {
            let _ended = thread::spawn(|| ()).join();
        }
    });
    let mut spared = Command::new("sleep").arg("600").spawn().expect("there is sleep");
    let spared_pid = i32::try_from(spared.id()).expect("a number");
    for code in 0..20 {
        let other = Command::new("sh").args(["-c", &format!("exit {code}")]).spawn().expect("there is sh");
        let mut ended = Vec::new();
        // Comes back only when it has found out.
        reap_children(&NoneLeft::default(), Some(spared_pid), |pid, code| ended.push((pid, code)));
        assert_eq!(ended, [(i32::try_from(other.id()).expect("a number"), Some(code))]);
    }
    goes_on.store(false, Ordering::Relaxed);
    churn.join().expect("no panic");
    spared.kill().expect("it is there");
    spared.wait().expect("it is a child");
}
