//! Isolation of jobs: what a run sees, what it can use, and what it can't do to other runs.

mod auto;
mod hostile;
mod inspection;
mod limits;
pub(crate) mod ordinary;
mod outside;
mod parity;
mod process;
mod protected;
mod sandbox;
mod seccomp;
mod warm;

use serde_json::{Value, json};
use testkit::{Setup, TestApp};

/// Whether bubblewrap is available. Without it a test prints that it is skipped; `./test.sh` installs it.
pub(crate) fn can_sandbox() -> bool {
    can_sandbox_through(&[])
}

/// The same for whom these words start programs as.
#[expect(clippy::print_stderr, reason = "a test that shows nothing must not look like one that does")]
pub(crate) fn can_sandbox_through(through: &[String]) -> bool {
    let mut words = through.iter().map(String::as_str).chain(["bwrap"]);
    let found = std::process::Command::new(words.next().expect("a program"))
        .args(words)
        .args(["--ro-bind", "/", "/", "--unshare-pid", "--proc", "/proc", "true"])
        .output()
        .is_ok_and(|answer| answer.status.success());
    if !found {
        assert!(std::env::var_os("RANGEHAND_TEST_SANDBOX").is_none(), "no sandbox can be made here");
        eprintln!("NOT TESTED: the sandbox: bubblewrap is missing or does not work here");
    }
    found
}

/// What a run sees: see the bundle `sandboxview`.
async fn view(app: &TestApp, paths: &[&str], isolation: Option<&str>) -> Value {
    let mut request = json!({"bundle": "sandboxview", "limit": "localhost", "extra_vars": {"paths": paths}});
    if let Some(isolation) = isolation {
        request["isolation"] = json!(isolation);
    }
    let job = app.run(&request).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    job.results().await["sandboxview"][0].clone()
}

/// Without the sandbox that the whole suite may be set to.
fn in_process() -> Setup {
    Setup::new().set("RANGEHAND__RUNS__ISOLATION", "process")
}

fn in_sandbox() -> Setup {
    Setup::new().set("RANGEHAND__RUNS__ISOLATION", "sandbox").set("RANGEHAND__RUNS__SANDBOX_WRITABLE", "")
}
