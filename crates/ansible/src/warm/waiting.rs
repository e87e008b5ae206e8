//! The child with Ansible imported that waits to be told what to run, from the supervisor's side.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
    path::PathBuf,
    time::Duration,
};

use rustix::{
    net::Shutdown,
    process::{Pid, WaitOptions, waitpid},
};
use serde::{Deserialize, Serialize};

use super::message;
use crate::confine::Confinement;

/// How long it may take to become like a fresh process.
const BEGIN_LIMIT: Duration = Duration::from_secs(30);

/// A child that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    control: OwnedFd,
    pid: i32,
    /// Whether it still waits: it runs the last step itself.
    waits: bool,
}

/// What it is to run.
#[derive(Debug, Serialize)]
pub(crate) struct Request {
    /// What ansible-playbook is called with, its name included.
    pub(crate) arguments: Vec<String>,
    /// The whole environment. Holds secrets.
    pub(crate) environment: Vec<(String, String)>,
    /// Where it works.
    pub(crate) directory: PathBuf,
    /// By which its events are known.
    pub(crate) ident: String,
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
    /// Meets it on standard input, where the host has connected it; gives what the service tells the supervisor, too.
    pub(crate) fn on_standard_input() -> io::Result<(Self, File)> {
        let control = io::stdin().as_fd().try_clone_to_owned()?;
        message::set_patience(&control, BEGIN_LIMIT)?;
        let (Here { waiting: pid }, files) = message::receive(&control)?;
        let told = files.into_iter().next().ok_or(io::ErrorKind::InvalidData)?;
        Ok((Self { control, pid, waits: true }, told.into()))
    }

    /// Its number.
    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// Has it run what is asked for; if it is not the last, it forks another to do so and goes on waiting.
    pub(crate) fn begin(&mut self, request: &Request, is_last: bool) -> Result<Begun, Refusal> {
        let then = if is_last { Then::End } else { Then::Wait };
        message::send(&self.control, &Told { then, request }, &[])?;
        self.waits = !is_last;
        let (answer, files) = message::receive(&self.control)?;
        let mut files = files.into_iter().map(File::from);
        match (answer, files.next(), files.next()) {
            (Answer::Pid(pid), Some(output), Some(terminal)) => Ok(Begun { pid, output, terminal }),
            (Answer::Refused(why), ..) => Err(Refusal::Refused(why)),
            _ => Err(Refusal::Silent(io::ErrorKind::InvalidData.into())),
        }
    }
}

impl Drop for Waiting {
    /// It ends when it is told nothing more.
    fn drop(&mut self) {
        // Closing it would not do: standard input is the same socket.
        let _ = rustix::net::shutdown(&self.control, Shutdown::Both);
        if self.waits
            && let Some(pid) = Pid::from_raw(self.pid)
        {
            let _ = waitpid(Some(pid), WaitOptions::empty());
        }
    }
}
