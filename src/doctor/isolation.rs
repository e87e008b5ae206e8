//! Checks sandboxes and limits of runs.

use content::Toolchain;
use process::{GroupVersion, Sandbox, limits_by_kernel};

use super::check::Check;
use crate::settings::{IsolationLevel, Runs};

/// Creates a sandbox that does nothing, and finds out what enforces the limits.
pub(super) fn check(runs: &Runs, toolchain: &Toolchain) -> Vec<Check> {
    let protections = runs.sandbox(toolchain).filter(|sandbox| sandbox.probe().is_ok());
    let protections = protections.as_ref().map(protections_of);
    [sandbox(runs, toolchain)].into_iter().chain(protections).chain([limits(runs)]).collect()
}

fn sandbox(runs: &Runs, toolchain: &Toolchain) -> Check {
    let name = "sandbox";
    let tried = runs.sandbox(toolchain).map(|sandbox| (sandbox.probe(), sandbox.program));
    let (problem, hint) = match tried {
        Some((Ok(()), program)) => {
            if runs.isolation == IsolationLevel::Process && rustix::process::geteuid().is_root() {
                let problem = "can be created, but is not enabled: jobs of a service that runs as root can do anything on this machine, and may \
                               outlive their end";
                return Check::warn(
                    name,
                    problem,
                    "set `runs.isolation` to `sandbox`, or run the service as an ordinary user",
                );
            }
            let used =
                if runs.isolation == IsolationLevel::Process { "for jobs that request it" } else { "always" };
            return Check::ok(name, format!("can be created, {used} ({})", program.display()));
        }
        Some((Err(problem), _)) => {
            (problem, "an ordinary user needs user namespaces, in a container too; see docs/isolation.md")
        }
        None => ("there is no `bwrap` in PATH".to_owned(), "install it (Debian: apt install bubblewrap)"),
    };
    match runs.isolation {
        IsolationLevel::Sandbox => Check::fail(name, problem, hint),
        IsolationLevel::Auto => Check::warn(name, format!("{problem}: runs go without"), hint),
        IsolationLevel::Process => {
            Check::ok(name, format!("cannot be created, and is not enabled: {problem}"))
        }
    }
}

/// The parts of a sandbox, and which of them this machine supports.
fn protections_of(sandbox: &Sandbox) -> Check {
    let name = "protections of a sandbox";
    let protections = sandbox.protections();
    let detail: Vec<String> = protections.iter().map(ToString::to_string).collect();
    let detail = detail.join("; ");
    if rustix::process::geteuid().is_root() {
        return Check::warn(
            name,
            detail,
            "run the service as an ordinary user: its sandboxes have a user namespace, and what they do outside of it has no \
             rights of root",
        );
    }
    Check::ok(name, detail)
}

fn limits(runs: &Runs) -> Check {
    let name = "limits of runs";
    if runs.memory_max_bytes == 0 && runs.processes_max == 0 {
        return Check::ok(name, "none are set for memory and processes");
    }
    let [memory, processes] = limits_by_kernel();
    let by = |kernel: Option<GroupVersion>| match kernel {
        Some(GroupVersion::V1) => "the kernel (control groups v1)",
        Some(GroupVersion::V2) => "the kernel (control groups v2)",
        None => "looking every half second",
    };
    let detail = format!("memory by {}, processes by {}", by(memory), by(processes));
    if memory.is_some() && processes.is_some() {
        return Check::ok(name, detail);
    }
    let hint =
        "let the service make control groups with limits (systemd: Delegate=yes, DelegateSubgroup=service)";
    Check::warn(name, detail, hint)
}
