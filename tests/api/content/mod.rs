//! The content of a run: what it sees, what it can't change, and what happens to what it writes.
//!
//! Everything is tried in each way that a run may get its content: see [`Way`].

pub(crate) mod artifacts;
pub(crate) mod persistent;
pub(crate) mod untouched;
pub(crate) mod view;

use serde_json::{Value, json};
use testkit::{Job, Setup, TestApp};

use crate::isolation::can_sandbox;

/// A way that a run may get its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Warm,
    Runner,
    Sandbox,
    Copy,
}

impl Way {
    /// Those that work on this machine.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let all = [Self::Warm, Self::Runner, Self::Sandbox, Self::Copy].into_iter();
        all.filter(|way| *way != Self::Sandbox || can_sandbox())
    }

    pub(crate) fn setup(self) -> Setup {
        self.of(Setup::new())
    }

    pub(crate) fn of(self, setup: Setup) -> Setup {
        let set = |setup: Setup, isolation, executor, content| {
            setup
                .set("RANGEHAND__RUNS__ISOLATION", isolation)
                .set("RANGEHAND__ANSIBLE__EXECUTOR", executor)
                .set("RANGEHAND__RUNS__CONTENT", content)
        };
        match self {
            Self::Warm => set(setup, "process", "warm", "auto"),
            Self::Runner => set(setup, "process", "runner", "auto"),
            Self::Sandbox => {
                let homes = std::env::temp_dir().to_string_lossy().into_owned();
                set(setup, "sandbox", "warm", "auto").set("RANGEHAND__RUNS__SANDBOX_WRITABLE", homes)
            }
            Self::Copy => set(setup, "process", "warm", "copy"),
        }
    }

    /// Is the content at its own path?
    pub(crate) fn is_in_place(self) -> bool {
        self != Self::Copy
    }
}

/// Runs a playbook on this machine, which must succeed. Returns the job and the values that it shows.
pub(crate) async fn succeed(app: &TestApp, playbook: &str, vars: Value) -> (Job, Value) {
    let request = json!({"playbook": playbook, "limit": "localhost", "extra_vars": vars});
    let job = app.run(&request).await;
    assert_eq!(job["state"], "succeeded", "{job:#}\n{}", job.log().await);
    let results = job.results().await;
    (job, results)
}

/// A playbook of these tasks.
pub(crate) fn playbook(tasks: &str) -> String {
    format!("- hosts: localhost\n  gather_facts: false\n  tasks:\n{tasks}")
}
