//! The environment of Ansible in a run: no terminal, variables that its children can use, a locale.

mod locale;
mod names;
mod nested;
mod prompts;
mod warnings;

use testkit::Setup;

/// The two ways in which Ansible is run.
const EXECUTORS: [&str; 2] = ["runner", "warm"];

fn with(executor: &str) -> Setup {
    Setup::new().set("RANGEHAND__ANSIBLE__EXECUTOR", executor)
}
