//! An idle supervisor's wait for a run, and its child with Ansible imported, from the supervisor's side.

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

/// How long the child may take to answer the first message.
const HELLO_LIMIT: Duration = Duration::from_secs(10);
/// How long it may take to become like a fresh process.
const START_LIMIT: Duration = Duration::from_secs(30);

/// The run that an idle supervisor was assigned.
#[derive(Debug)]
pub(crate) struct Assignment {
    pub(crate) directory: PathBuf,
    /// The pipe from which the specification is read.
    pub(crate) specification: File,
    /// The socket of the child.
    child: OwnedFd,
}

impl Assignment {
    /// Waits for a run on standard output, to which the fork server has connected the service. Afterwards standard output is
    /// the lock of the run's directory, and standard error its log. `None` if the service has exited or uses another supervisor.
    pub(crate) fn wait() -> io::Result<Option<Self>> {
        let child = io::stdin().as_fd().try_clone_to_owned()?;
        let (Directory { directory }, files) = match message::receive(io::stdout()) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        };
        let [specification, lock, log] = <[_; 3]>::try_from(files).map_err(|_| io::ErrorKind::InvalidData)?;
        rustix::stdio::dup2_stdout(lock)?;
        rustix::stdio::dup2_stderr(log)?;
        Ok(Some(Self { directory, specification: specification.into(), child }))
    }
}

/// A child that waits for start requests.
#[derive(Debug)]
pub(crate) struct Waiting {
    control: OwnedFd,
    pid: i32,
    /// Whether it still waits: it executes the last step itself.
    waits: bool,
    /// It sent an invalid answer, and may have started.
    may_have_started: bool,
}

/// A step to execute.
#[derive(Debug, Serialize)]
pub(crate) struct Request {
    /// The arguments of ansible-playbook, including its name.
    pub(crate) arguments: Vec<String>,
    /// The whole environment. Contains secrets.
    pub(crate) environment: Vec<(String, String)>,
    /// Variables that only Ansible itself gets, and their values for its children.
    pub(crate) inherited: BTreeMap<String, Option<String>>,
    /// The working directory.
    pub(crate) directory: PathBuf,
    /// The identifier of its events.
    pub(crate) ident: String,
    /// The namespaces of its sandbox, if any, which it joins first.
    pub(crate) namespaces: Vec<&'static str>,
    /// The system call filter of the sandbox in hexadecimal digits, or empty.
    pub(crate) filter: String,
    /// The Landlock scopes of the sandbox; 0 for none.
    pub(crate) scopes: u64,
    /// The limits and mounts that it applies first.
    #[serde(flatten)]
    pub(crate) confinement: Confinement,
}

/// A running step.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) pid: i32,
    /// Events, and output that belongs to no event.
    pub(crate) output: File,
    /// The output to its terminal.
    pub(crate) terminal: File,
}

/// Why the child does not execute a step.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotStarted {
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
struct Hello {
    run: RunId,
}

#[derive(Deserialize)]
struct HelloReply {
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
struct StartRequest<'a> {
    then: Then,
    #[serde(flatten)]
    request: &'a Request,
}

impl Waiting {
    /// Sends the child the ID of the run, which it then has in its environment, and waits for the answer.
    pub(crate) fn greet(assignment: Assignment, run: RunId) -> io::Result<Self> {
        let control = assignment.child;
        message::set_answer_limit(&control, HELLO_LIMIT)?;
        message::send(&control, &Hello { run }, &[])?;
        let (HelloReply { waiting: pid }, _) = message::receive(&control)?;
        message::set_answer_limit(&control, START_LIMIT)?;
        Ok(Self { control, pid, waits: true, may_have_started: false })
    }

    /// Its process number.
    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// Starts a step. The child executes the last one itself. For others it forks another process, and continues to wait.
    /// `namespaces` are the files of those that the request names.
    pub(crate) fn start(
        &mut self,
        request: &Request,
        namespaces: &[BorrowedFd<'_>],
        is_last: bool,
    ) -> Result<Started, NotStarted> {
        let then = if is_last { Then::End } else { Then::Wait };
        message::send(&self.control, &StartRequest { then, request }, namespaces)?;
        self.waits = !is_last;
        let (answer, files) = message::receive(&self.control)?;
        let mut files = files.into_iter().map(File::from);
        match (answer, files.next(), files.next()) {
            (Answer::Pid(pid), Some(output), Some(terminal)) => Ok(Started { pid, output, terminal }),
            (Answer::Refused(why), ..) => Err(NotStarted::Refused(why)),
            _ => {
                self.may_have_started = true;
                Err(NotStarted::Silent(io::ErrorKind::InvalidData.into()))
            }
        }
    }

    /// Whether it may have started the step, although no answer arrived in time. To be called when the child has been killed
    /// and can't answer any more. It answers before it starts.
    pub(crate) fn may_have_started(&self) -> bool {
        let answer = || message::receive_if_there::<Answer>(&self.control);
        let is_started = || matches!(answer(), Ok(Some((Answer::Pid(_), _))));
        // The first read can return only that the peer has closed, and the second its last message.
        self.may_have_started || is_started() || is_started()
    }
}

impl Drop for Waiting {
    /// The child exits when its socket is closed. It is killed as well, because it may have been stopped.
    fn drop(&mut self) {
        // Closing is not enough: standard input is the same socket.
        let _ = rustix::net::shutdown(&self.control, Shutdown::Both);
        if self.waits
            && let Some(pid) = Pid::from_raw(self.pid)
        {
            let _ = kill_process(pid, Signal::KILL);
            let _ = waitpid(Some(pid), WaitOptions::empty());
        }
    }
}
