//! Runs one of Ansible's programs that only print: bounded in time and in what is kept of their output.

use std::{
    ffi::{OsStr, OsString},
    io,
    path::Path,
    process::Stdio,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
};

use crate::Toolchain;

/// How long a program may take. Ansible starts in about a second; inventory scripts ask the network.
pub(super) const LIMIT: Duration = Duration::from_secs(60);

/// How much of each stream is kept, in bytes; the rest is read and dropped.
const MAX_OUTPUT: u64 = 8 << 20;

/// What a program left.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) success: bool,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Why a program left nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("`{0}` was not found\nhint: run `rangehand doctor`")]
    Missing(String),
    #[error("`{program}` could not be started: {source}")]
    Start { program: String, source: io::Error },
    #[error("`{program}` did not end within {} s", LIMIT.as_secs())]
    TooLong { program: String },
    #[error("the file is larger than {} MiB, so it is not inspected", MAX_FILE >> 20)]
    TooLarge,
}

/// The largest playbook or inventory that Ansible is given for an inspection, in bytes.
pub(super) const MAX_FILE: u64 = 16 << 20;

/// Runs a program in a directory with the toolchain's environment, these variables, and nothing on its input.
///
/// Dropping the future kills the program and what it started, unless that left its process group.
pub(super) async fn run(
    toolchain: &Toolchain,
    variables: &[(&str, OsString)],
    program: &str,
    arguments: &[&OsStr],
    directory: &Path,
) -> Result<Output, Failure> {
    let path = toolchain.program(program).ok_or_else(|| Failure::Missing(program.to_owned()))?;
    let mut command = Command::new(path);
    command
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .envs(toolchain.variables())
        .envs(variables.iter().map(|(name, value)| (name, value)))
        // An inventory that no plugin can read is otherwise only a warning.
        .env("ANSIBLE_INVENTORY_UNPARSED_FAILED", "1")
        .env("ANSIBLE_NOCOLOR", "1")
        .env("ANSIBLE_FORCE_COLOR", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let started = command.spawn();
    let child = started.map_err(|source| Failure::Start { program: program.to_owned(), source })?;
    let finished = tokio::time::timeout(LIMIT, finish(child)).await;
    match finished {
        Ok(output) => output.map_err(|source| Failure::Start { program: program.to_owned(), source }),
        Err(_) => Err(Failure::TooLong { program: program.to_owned() }),
    }
}

async fn finish(mut child: Child) -> io::Result<Output> {
    let mut group = Group::of(&child);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (stdout, stderr) = tokio::join!(keep(stdout), keep(stderr));
    let status = child.wait().await?;
    // The id may name another group from now on.
    group.0 = None;
    Ok(Output { success: status.success(), stdout, stderr })
}

async fn keep(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let mut kept = Vec::new();
    // A read error ends the text where it happened; how the program ended is told by its status.
    let _ = (&mut stream).take(MAX_OUTPUT).read_to_end(&mut kept).await;
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&kept).into_owned()
}

/// Kills a process group when it is dropped.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It may have ended just now.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    /// Whether a process is gone; one that nobody has reaped yet counts as gone.
    fn is_gone(pid: &str) -> bool {
        fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
    }

    async fn until(condition: impl Fn() -> bool) {
        let polled = async {
            while !condition() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), polled).await.expect("the condition never came true");
    }

    #[tokio::test]
    async fn giving_up_kills_the_program_and_what_it_started() {
        let directory = tempfile::tempdir().unwrap();
        // The shell under the program's name: a script written here could still be open in another test's child.
        symlink("/bin/sh", directory.path().join("ansible-playbook")).unwrap();
        let script = "sleep 300 & echo $$ $! > pids.new; mv pids.new pids; wait";
        let arguments = ["-c", script].map(OsStr::new);
        let toolchain = Toolchain {
            bin_dir: Some(directory.path().to_owned()),
            path: "/usr/bin:/bin".into(),
            ..Toolchain::default()
        };
        let pids = directory.path().join("pids");
        tokio::select! {
            ended = run(&toolchain, &[], "ansible-playbook", &arguments, directory.path()) => panic!("it ended: {ended:?}"),
            () = until(|| pids.exists()) => {}
        }
        let pids = fs::read_to_string(pids).unwrap();
        for pid in pids.split_whitespace() {
            until(|| is_gone(pid)).await;
        }
    }
}
