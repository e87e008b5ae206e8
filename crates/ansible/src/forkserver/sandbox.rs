//! Creates a sandbox for a process with Ansible imported to join.
//!
//! ```text
//! supervisor --starts--> bubblewrap --makes namespaces--> keeper (a shell that waits)
//!     '--the keeper's namespaces--> child with Ansible imported --joins them, forks--> Ansible
//! ```
//! bubblewrap makes a sandbox for a program that it executes, and a process that is forked is not one. So bubblewrap executes
//! a keeper, and the child joins the keeper's namespaces: what a sandbox shows is defined in one place for both executors.
//! The sandbox exists as long as the supervisor holds the keeper's standard input open. When it is closed, also because the
//! supervisor was killed, the keeper ends, and the kernel ends every process in the sandbox.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    process::{Child, ChildStdin, Command, Stdio},
    time::Duration,
};

use process::Keepers;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Prints a line when the sandbox is ready, and waits for the end of its input. Ignores signals that are meant for Ansible.
const KEEPER: [&str; 3] = ["/bin/sh", "-c", "trap '' TERM INT HUP; echo; read -r end"];
/// How long making a sandbox may take, on a machine that has much else to do.
const LIMIT: Duration = Duration::from_secs(20);
/// What of bubblewrap's errors is read.
const ERROR_BYTES: u64 = 4096;
/// The namespaces a process can join, in the order in which it must: the user namespace grants the right to join the
/// others, and after the last one the process no longer sees the machine.
const NAMESPACES: [&str; 7] = ["user", "cgroup", "ipc", "uts", "net", "pid", "mnt"];

/// A sandbox that is being made.
#[derive(Debug)]
pub(crate) struct Starting {
    bubblewrap: Child,
    /// The error output of bubblewrap.
    errors: File,
}

/// A sandbox that is ready.
#[derive(Debug)]
pub(crate) struct Ready {
    /// What keeps it.
    pub(crate) keepers: Keepers,
    /// Those that are not the supervisor's own.
    namespaces: Vec<(&'static str, OwnedFd)>,
}

impl Starting {
    /// Starts bubblewrap; `command` is it with all arguments but the program.
    ///
    /// # Errors
    /// When it can't be started.
    pub(crate) fn start(mut command: Command) -> io::Result<Self> {
        let errors = tempfile::tempfile()?;
        let bubblewrap = command
            .args(KEEPER)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors.try_clone()?)
            .spawn()?;
        Ok(Self { bubblewrap, errors })
    }

    /// Waits until the sandbox is ready.
    ///
    /// # Errors
    /// Why it could not be created.
    pub(crate) fn ready(mut self) -> io::Result<Ready> {
        let (Some(input), Some(mut output)) = (self.bubblewrap.stdin.take(), self.bubblewrap.stdout.take())
        else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let mut line = [0];
        if !is_readable(&output)? || output.read(&mut line)? == 0 {
            return Err(self.failure());
        }
        let pid = i32::try_from(self.bubblewrap.id()).map_err(io::Error::other)?;
        let family = process::family_of(pid);
        // The deepest one is in all namespaces of the sandbox for certain.
        let keeper = *family.last().unwrap_or(&pid);
        Ok(Ready { namespaces: namespaces_of(keeper)?, keepers: keepers(family, input) })
    }

    fn failure(&mut self) -> io::Error {
        let mut said = String::new();
        // Without a text there is no better reason than that.
        let _ = self.errors.seek(SeekFrom::Start(0));
        let _ = (&self.errors).take(ERROR_BYTES).read_to_string(&mut said);
        let said = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no reason given");
        io::Error::other(format!("bubblewrap cannot create the sandbox: {said}"))
    }
}

impl Ready {
    /// Names of namespaces, and a descriptor of each.
    pub(crate) fn namespaces(&self) -> (Vec<&'static str>, Vec<BorrowedFd<'_>>) {
        self.namespaces.iter().map(|(name, namespace)| (*name, namespace.as_fd())).unzip()
    }
}

fn keepers(family: Vec<i32>, input: ChildStdin) -> Keepers {
    Keepers { pids: family.into_iter().collect::<HashSet<i32>>(), held: Some(input.into()) }
}

fn is_readable(output: impl AsFd) -> io::Result<bool> {
    let limit = Timespec::try_from(LIMIT).map_err(io::Error::other)?;
    Ok(poll(&mut [PollFd::new(&output, PollFlags::IN)], Some(&limit))? > 0)
}

/// The namespaces of a process that are not those of this one.
fn namespaces_of(pid: i32) -> io::Result<Vec<(&'static str, OwnedFd)>> {
    let mut found = Vec::new();
    for name in NAMESPACES {
        let [own, other] = ["self".to_owned(), pid.to_string()].map(|of| format!("/proc/{of}/ns/{name}"));
        // A kernel may be built without some of them.
        let Ok(own) = fs::read_link(own) else { continue };
        if fs::read_link(&other)? != own {
            found.push((name, File::open(&other)?.into()));
        }
    }
    Ok(found)
}
