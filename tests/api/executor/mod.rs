//! The executors, warm and ansible-runner: clients see the same, and no run leaves anything for the next.

mod beginning;
mod hosts;
mod leaks;
mod modules;
mod visible;
mod zoo;

use testkit::{Setup, copy, fixtures};

/// The two ways in which Ansible is run.
const EXECUTORS: [&str; 2] = ["runner", "warm"];

/// A service that runs Ansible in this way, with the content and the inventories that these tests are about.
fn with(executor: &str) -> Setup {
    let setup = Setup::new().set("RANGEHAND__ANSIBLE__EXECUTOR", executor);
    for kind in ["playbooks", "inventory"] {
        copy(&fixtures().join("executor").join(kind), &setup.home().join(kind));
    }
    // A fork of Ansible is no program that a sandbox could execute.
    setup.set("RANGEHAND__RUNS__ISOLATION", "process")
}
