//! The sandbox features of this machine: which are active, and why the others are not.

use std::{fmt, process::Stdio};

use crate::{
    confine::{self, Confinement},
    sandbox::Sandbox,
    scope, seccomp,
};

/// A part of a sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protection {
    /// What it is called.
    pub name: &'static str,
    /// What it does.
    pub purpose: &'static str,
    /// Why sandboxes go without it here; `None` where they have it.
    pub absent: Option<&'static str>,
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.absent {
            None => write!(f, "{} ({})", self.name, self.purpose),
            Some(why) => write!(f, "no {} ({why})", self.name),
        }
    }
}

impl Sandbox {
    /// Creates a sandbox that does nothing, to check whether sandboxes work here. Only for processes of the Rangehand program.
    ///
    /// # Errors
    /// The error message of bubblewrap or the system.
    pub fn probe(&self) -> Result<(), String> {
        let confinement = Confinement { sandbox: true, ..Confinement::default() };
        let command = confine::command(&confinement, &self.program);
        let answer = command
            .map_err(|error| error.to_string())?
            .args(self.idle())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .current_dir("/")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("`{}` cannot be started: {error}", self.program.display()))?;
        if answer.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&answer.stderr);
        let said = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no output");
        Err(format!("bubblewrap failed ({}): {said}", answer.status))
    }

    /// The parts of the sandboxes of runs. All that are active hold for every run and inspection in a sandbox; control groups
    /// are not among them, because runs without a sandbox have them, too.
    #[must_use]
    pub fn protections(&self) -> Vec<Protection> {
        let user = rustix::process::geteuid()
            .is_root()
            .then_some("root creates sandboxes without one, and drops all capabilities");
        let calls = seccomp::program()
            .is_none()
            .then_some("Rangehand has no table of system calls for this architecture");
        let landlock = if !scope::is_supported() {
            Some("the kernel is older than Linux 6.12, or Landlock is off")
        } else if scope::gives_privileges(&self.program) {
            Some("bubblewrap is set-user-ID or has capabilities: ansible-runner and inspections go without")
        } else {
            None
        };
        let namespaces = if self.network {
            "mounts, processes, IPC, host name, control groups"
        } else {
            "mounts, processes, IPC, host name, control groups, network"
        };
        [
            ("namespaces", namespaces, None),
            ("user namespace", "no rights over the machine's", user),
            ("seccomp", "system calls", calls),
            ("Landlock", "abstract sockets, signals", landlock),
        ]
        .map(|(name, purpose, absent)| Protection { name, purpose, absent })
        .to_vec()
    }
}
