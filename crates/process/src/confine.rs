//! The last step before Ansible: this program is executed again, applies limits to itself, and then executes Ansible.
//!
//! All descendants inherit the limits, and can't undo them. A parent can't apply them to a child without running code between
//! fork and exec, which is `unsafe` in Rust. A process can safely apply them to itself.

use std::{
    convert::Infallible,
    ffi::OsString,
    fs,
    io::{self, PipeReader, Write},
    os::{fd::AsRawFd, unix::process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use rustix::{
    io::{FdFlags, fcntl_setfd},
    process::{Resource, Rlimit, getrlimit, setrlimit},
    thread::set_no_new_privs,
};
use serde::{Deserialize, Serialize};

use crate::{
    mounts::{self, View},
    scope, seccomp,
};

/// What a process takes upon itself before it becomes another program. Holds no secrets: it is an argument.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// Where its content is to be seen, if that is to be arranged.
    #[serde(default)]
    pub view: Option<View>,
    /// Programs that are seen read-only: a process in a sandbox may open the file that it was started from through `/proc`,
    /// and gets it as it was seen there. Only where mounts may be made, as far as they may.
    #[serde(default)]
    pub read_only: Vec<PathBuf>,
    /// Control groups to enter.
    pub groups: Vec<PathBuf>,
    /// Whether `sudo` and other programs with the rights of their owner are kept from getting them.
    pub no_new_privileges: bool,
    /// How many files a process may have open; 0 leaves that as it is.
    pub open_files: u64,
    /// The largest file in bytes that a process may write; 0 leaves that as it is.
    pub file_bytes: u64,
    /// Whether the program is bubblewrap. It then gets the system call filter for its sandbox, and Landlock is applied where the
    /// kernel supports it.
    #[serde(default)]
    pub sandbox: bool,
}

/// The command that has the confined program as its end: `confine WHAT PROGRAM ARGUMENT...`.
pub const COMMAND: &str = "confine";

/// A command that starts this program again, which confines itself and then executes `program`.
///
/// # Errors
/// When the confinement cannot be serialized, which does not happen.
pub fn command(confinement: &Confinement, program: &Path) -> io::Result<Command> {
    command_of(Path::new("/proc/self/exe"), confinement, program)
}
/// The same with another executable of this program.
///
/// # Errors
/// When the confinement cannot be serialized, which does not happen.
pub fn command_of(executable: &Path, confinement: &Confinement, program: &Path) -> io::Result<Command> {
    let mut command = Command::new(executable);
    command.arg(COMMAND).arg(serde_json::to_string(confinement)?).arg(program);
    Ok(command)
}

/// Confines this process and executes the program.
///
/// A limit that can't be applied is an error: the program never runs with fewer limits than requested.
#[must_use]
pub fn main(confinement: &str, program: &[OsString]) -> ExitCode {
    let Err(error) = become_confined(confinement, program);
    tracing::error!("{error}");
    ExitCode::from(FAILED)
}

/// Why `program` was not executed. The text contains the error of the system, because the job has no other record of it.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("the run cannot be confined: {0}")]
    Confine(#[from] io::Error),
    #[error(
        "`{program}` cannot be executed: {error}\nhint: may the service's user reach it, and the interpreter that it names?"
    )]
    Execute { program: String, error: io::Error },
}

/// What a shell answers for a program that cannot be executed.
const FAILED: u8 = 126;

fn become_confined(confinement: &str, program: &[OsString]) -> Result<Infallible, Failed> {
    let confinement: Confinement = serde_json::from_str(confinement).map_err(io::Error::from)?;
    let missing = || io::Error::from(io::ErrorKind::InvalidInput);
    let (program, arguments) = program.split_first().ok_or_else(missing)?;
    apply(&confinement)?;
    let mut command = Command::new(program);
    // It is open until bubblewrap has read it.
    let filter = if confinement.sandbox { filter()? } else { None };
    if let Some(filter) = &filter {
        command.arg("--seccomp").arg(filter.as_raw_fd().to_string());
    }
    if confinement.sandbox && !scope::gives_privileges(Path::new(program)) {
        scope::restrict()?;
    }
    let error = command.args(arguments).exec();
    Err(Failed::Execute { program: program.display().to_string(), error })
}

fn apply(confinement: &Confinement) -> io::Result<()> {
    for group in &confinement.groups {
        // Zero stands for the writing process.
        fs::write(group.join("cgroup.procs"), "0")?;
    }
    if let Some(view) = &confinement.view {
        mounts::enter(view)?;
    }
    if !confinement.read_only.is_empty()
        && let Err(error) = mounts::protect(&confinement.read_only, confinement.view.is_some())
    {
        // Where that is not allowed a sandbox cannot be made either.
        tracing::debug!(%error, "cannot make programs read-only");
    }
    // A core of Ansible holds the vault password.
    lower(Resource::Core, 0)?;
    if confinement.open_files > 0 {
        lower(Resource::Nofile, confinement.open_files)?;
    }
    if confinement.file_bytes > 0 {
        lower(Resource::Fsize, confinement.file_bytes)?;
    }
    if confinement.no_new_privileges {
        set_no_new_privs(true)?;
    }
    Ok(())
}

/// The system call filter, to be read from a descriptor that the program inherits.
fn filter() -> io::Result<Option<PipeReader>> {
    let Some(filter) = seccomp::program() else { return Ok(None) };
    let (reader, mut writer) = io::pipe()?;
    // A pipe has room for several filters.
    writer.write_all(&filter)?;
    fcntl_setfd(&reader, FdFlags::empty())?;
    Ok(Some(reader))
}

/// Sets both limits, but raises neither above what this process may have: that takes a privilege.
fn lower(resource: Resource, limit: u64) -> io::Result<()> {
    let hard = getrlimit(resource).maximum.map_or(limit, |hard| hard.min(limit));
    Ok(setrlimit(resource, Rlimit { current: Some(hard), maximum: Some(hard) })?)
}
