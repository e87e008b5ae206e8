//! Waiting for a run, and the child with Ansible imported that waits to be told what to run, from the supervisor's side.

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::PathBuf,
    time::Duration,
};

use model::RunId;
use process::confine::Confinement;
use rustix::{
    net::Shutdown,
    process::{Pid, Signal, WaitOptions, kill_process, waitpid},
};
use serde::{Deserialize, Serialize};

use super::message;

/// How long the child may take to answer that it is there.
const MEET_LIMIT: Duration = Duration::from_secs(10);
/// How long it may take to become like a fresh process.
const BEGIN_LIMIT: Duration = Duration::from_secs(30);

/// A supervisor without a run yet.
#[derive(Debug)]
pub(crate) struct Spare {
    pub(crate) directory: PathBuf,
    /// What the service tells.
    pub(crate) told: File,
    /// The end that the child waits at.
    child: OwnedFd,
}

impl Spare {
    /// Waits on standard output for a run, because there the host has connected the service; from then on that is the lock
    /// of the run's directory, and standard error its log. `None` when no run will come: the service is gone, or has another.
    pub(crate) fn wait() -> io::Result<Option<Self>> {
        let child = io::stdin().as_fd().try_clone_to_owned()?;
        let (Directory { directory }, files) = match message::receive(io::stdout()) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        };
        let [told, lock, log] = <[_; 3]>::try_from(files).map_err(|_| io::ErrorKind::InvalidData)?;
        rustix::stdio::dup2_stdout(lock)?;
        rustix::stdio::dup2_stderr(log)?;
        Ok(Some(Self { directory, told: told.into(), child }))
    }
}

/// A child that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    control: OwnedFd,
    pid: i32,
    /// Whether it still waits: it runs the last step itself.
    waits: bool,
    /// It answered in a way that is no answer.
    has_begun: bool,
}

/// What it is to run.
#[derive(Debug, Serialize)]
pub(crate) struct Request {
    /// What ansible-playbook is called with, its name included.
    pub(crate) arguments: Vec<String>,
    /// The whole environment. Holds secrets.
    pub(crate) environment: Vec<(String, String)>,
    /// Variables that only Ansible itself has so, and what they are for its children.
    pub(crate) inherited: BTreeMap<String, Option<String>>,
    /// Where it works.
    pub(crate) directory: PathBuf,
    /// By which its events are known.
    pub(crate) ident: String,
    /// The namespaces that it joins first, if it is to be in a sandbox.
    pub(crate) namespaces: Vec<&'static str>,
    /// The system call filter of the sandbox as hexadecimal digits, if it is to be in one.
    pub(crate) filter: String,
    /// The Landlock scopes of the sandbox; 0 for none.
    pub(crate) scopes: u64,
    /// What it takes upon itself first.
    #[serde(flatten)]
    pub(crate) confinement: Confinement,
}

/// Ansible at work.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) pid: i32,
    /// Events, and lines that belong to none.
    pub(crate) output: File,
    /// What is written to its terminal.
    pub(crate) terminal: File,
}

/// Why it does not run it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("{0}")]
    Refused(String),
    #[error("it does not answer: {0}")]
    Silent(#[from] io::Error),
}

#[derive(Deserialize)]
struct Directory {
    directory: PathBuf,
}

#[derive(Serialize)]
struct Name {
    run: RunId,
}

#[derive(Deserialize)]
struct Here {
    waiting: i32,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Pid(i32),
    Refused(String),
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Then {
    End,
    Wait,
}

#[derive(Serialize)]
struct Told<'a> {
    then: Then,
    #[serde(flatten)]
    request: &'a Request,
}

impl Waiting {
    /// Meets the child; from here on it is known as one of this run.
    pub(crate) fn meet(spare: Spare, run: RunId) -> io::Result<Self> {
        let control = spare.child;
        message::set_patience(&control, MEET_LIMIT)?;
        message::send(&control, &Name { run }, &[])?;
        let (Here { waiting: pid }, _) = message::receive(&control)?;
        message::set_patience(&control, BEGIN_LIMIT)?;
        Ok(Self { control, pid, waits: true, has_begun: false })
    }

    /// Its number.
    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// Has it run what is asked for; if it is not the last, it forks another to do so and goes on waiting.
    /// `namespaces` are those that the request names.
    pub(crate) fn begin(
        &mut self,
        request: &Request,
        namespaces: &[BorrowedFd<'_>],
        is_last: bool,
    ) -> Result<Begun, Refusal> {
        let then = if is_last { Then::End } else { Then::Wait };
        message::send(&self.control, &Told { then, request }, namespaces)?;
        self.waits = !is_last;
        let (answer, files) = message::receive(&self.control)?;
        let mut files = files.into_iter().map(File::from);
        match (answer, files.next(), files.next()) {
            (Answer::Pid(pid), Some(output), Some(terminal)) => Ok(Begun { pid, output, terminal }),
            (Answer::Refused(why), ..) => Err(Refusal::Refused(why)),
            _ => {
                self.has_begun = true;
                Err(Refusal::Silent(io::ErrorKind::InvalidData.into()))
            }
        }
    }

    /// Has it begun what it was asked for, although no answer came in time? For when it has been ended: then nothing more
    /// comes. It answers before it begins.
    pub(crate) fn has_begun(&self) -> bool {
        let answer = || message::receive_if_there::<Answer>(&self.control);
        let is_begun = || matches!(answer(), Ok(Some((Answer::Pid(_), _))));
        // The first look may find only that the other side is gone, the second what it said before.
        self.has_begun || is_begun() || is_begun()
    }
}

impl Drop for Waiting {
    /// It ends when it is told nothing more, or by force: it may have been stopped.
    fn drop(&mut self) {
        // Closing it would not do: standard input is the same socket.
        let _ = rustix::net::shutdown(&self.control, Shutdown::Both);
        if self.waits
            && let Some(pid) = Pid::from_raw(self.pid)
        {
            let _ = kill_process(pid, Signal::KILL);
            let _ = waitpid(Some(pid), WaitOptions::empty());
        }
    }
}
