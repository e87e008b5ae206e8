//! `./start.sh demo range`: a range from nothing to nothing, for someone who tries Rangehand.

use std::{fs, process::Command};

use crate::checkout::checkout;

#[test]
fn the_demo_of_ranges_creates_one_runs_a_bundle_on_it_and_leaves_nothing() {
    let directory = tempfile::Builder::new().prefix("rangehand-demo-").tempdir().expect("a directory");
    let (place, temporary) = (directory.path().join("rangehand"), directory.path().join("tmp"));
    checkout(&place);
    fs::create_dir(&temporary).expect("writable");
    let output = Command::new("./start.sh")
        .args(["demo", "range"])
        .current_dir(&place)
        .env_clear()
        .env("HOME", directory.path())
        .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
        .env("TMPDIR", &temporary)
        .output()
        .expect("there is a shell");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    let all = format!("{shown}\n---- errors\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{all}");
    let parts =
        ["Plan: 5 to create.", "create machine web", "verify reachability demo", "Plan: 5 to delete."];
    for part in parts {
        assert!(shown.contains(part), "{part}: {all}");
    }
    if shown.contains("platform: local") {
        assert_eq!(shown.matches("\"reply\": \"pong\"").count(), 3, "{all}");
    } else {
        assert!(shown.contains("This machine cannot have ranges: "), "{all}");
    }
    let left = fs::read_dir(&temporary).expect("readable").count();
    assert_eq!(left, 0, "the directory of the service is left: {all}");
}
