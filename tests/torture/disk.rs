//! A full disk: no run can succeed by mistake, and the service continues.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;
use testkit::{TestApp, until};

use crate::{fake, truth};

/// A small file system in memory; unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Needs root; `None` without.
    fn new(at: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(at).expect("writable");
        let options = format!("size={size},mode=0700");
        if mount(&["-t", "tmpfs", "-o", &options, "tmpfs"], at) {
            return Some(Self(at.to_owned()));
        }
        println!("skipped: a file system cannot be mounted here (root may)");
        None
    }

    fn grow(&self, size: &str) {
        assert!(mount(&["-o", &format!("remount,size={size}")], &self.0), "cannot grow the disk");
    }

    /// How much of it is free, in bytes.
    fn free(&self) -> u64 {
        let found = rustix::fs::statvfs(&self.0).expect("mounted");
        found.f_bavail * found.f_frsize
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

fn mount(options: &[&str], at: &Path) -> bool {
    let output = Command::new("mount").args(options).arg(at).output();
    output.is_ok_and(|output| output.status.success())
}

async fn assert_works(app: &TestApp) {
    let job = app.run(&fake::request(&json!({"mode": "events", "count": 10}))).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
}

#[tokio::test]
async fn a_run_whose_spool_is_full_is_no_success() {
    let setup = fake::setup();
    let Some(disk) = SmallDisk::new(&setup.home().join("var/runs"), "2m") else { return };
    let mut app = setup.start();
    let job = app.run(&fake::request(&json!({"mode": "bytes", "count": 16 << 20}))).await;
    assert_ne!(job["state"], "succeeded", "{job:#}");
    assert!(
        ["spool_failed", "supervisor_gone"].contains(&job["reason"]["code"].as_str().expect("a code")),
        "{job:#}"
    );
    truth::assert_numbered(&job, &job.events().await);
    until("the directories of runs are deleted", || app.run_directories().is_empty()).await;
    assert_works(&app).await;
    println!(
        "figure: the disk of the spools is full (2 MiB, a run prints 16 MiB) | ends {}/{} with {} events | 0 false \
         successes, the next job succeeds",
        job["state"].as_str().expect("a state"),
        job["reason"]["code"].as_str().expect("a code"),
        job["events"],
    );
    until("the directories of runs are deleted", || app.run_directories().is_empty()).await;
    app.stop();
    drop(disk);
}

#[tokio::test]
async fn a_run_whose_spool_and_database_are_full_ends_truly_when_there_is_room_again() {
    let setup = fake::setup();
    let Some(disk) = SmallDisk::new(&setup.home().join("var"), "16m") else { return };
    let mut app = setup.start();
    let submitted = fake::request(&json!({"mode": "bytes", "count": 64 << 20}));
    let job = app.submit(&submitted).await;
    until("the disk is full", || disk.free() < 64 << 10).await;
    until("the run has ended", || {
        app.run_directories().iter().all(|run| crate::memory::supervisor(run).is_none())
    })
    .await;
    disk.grow("256m");
    let job = job.wait().await;
    assert!(["failed", "lost"].contains(&job["state"].as_str().expect("a state")), "{job:#}");
    truth::assert_numbered(&job, &job.events().await);
    assert_works(&app).await;
    println!(
        "figure: the disk of spools and database is full (16 MiB, a run prints 64 MiB), then grows | ends {}/{} with {} \
         events | 0 false successes, 0 lost jobs, the next job succeeds",
        job["state"].as_str().expect("a state"),
        job["reason"]["code"].as_str().expect("a code"),
        job["events"],
    );
    until("the directories of runs are deleted", || app.run_directories().is_empty()).await;
    app.stop();
    drop(disk);
}
