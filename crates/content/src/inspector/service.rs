//! Starts an inspector process, from the service's side.

use std::{
    convert::Infallible,
    ffi::{OsStr, OsString},
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use process::{Isolation, Limits, MARKER, orphans};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStderr, ChildStdin, Command},
    sync::oneshot,
    task::spawn_blocking,
    time::timeout,
};

use super::{Answer, COMMAND, Ending, answer::MAX_OUTPUT, spec::Spec};
use crate::toolchain::Toolchain;

/// How long an inspector may take longer than the inspection: it ends what the content started.
const GRACE: Duration = Duration::from_secs(60);
/// The maximum length of an inspector's own log that is forwarded, in bytes.
const MAX_SAID: u64 = 8 << 10;

/// How inspections are done.
#[derive(Debug, Clone)]
pub struct Inspector {
    /// The program with an `inspect` command: Rangehand.
    pub program: PathBuf,
    /// How far inspections are kept from everything else.
    pub isolation: Isolation,
    /// What an inspection may use; `total` is its time.
    pub limits: Limits,
    /// Directories of the service, which inspections in a sandbox do not see even where they are within content.
    pub hidden: Vec<PathBuf>,
}

/// One inspection.
#[derive(Debug)]
pub struct Turn {
    /// Its name, which no run and no other inspection has.
    pub id: String,
    /// Its directory, which is empty or has files that the inspection reads.
    pub own: PathBuf,
    /// Resolves when the caller has left.
    pub gone: oneshot::Receiver<Infallible>,
}

/// What is executed.
#[derive(Debug)]
pub(crate) struct Invocation<'a> {
    pub(crate) toolchain: &'a Toolchain,
    pub(crate) program: &'a Path,
    pub(crate) arguments: &'a [&'a OsStr],
    /// Variables besides those of the toolchain.
    pub(crate) variables: &'a [(&'a str, OsString)],
    pub(crate) directory: &'a Path,
    /// The content that it may read.
    pub(crate) seen: Vec<PathBuf>,
}

impl Inspector {
    /// Executes a program to its end. Returns when none of its processes is left, as far as that can be achieved, also when
    /// the caller leaves. When the future is dropped, the inspector terminates everything itself.
    pub(crate) async fn run(&self, turn: &mut Turn, what: Invocation<'_>) -> io::Result<Answer> {
        let line = self.specification(turn, what)?;
        let mut inspector = Command::new(&self.program)
            .arg(COMMAND)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (stdin, stderr) = (inspector.stdin.take(), inspector.stderr.take());
        let id = turn.id.clone();
        tokio::spawn(async move { log(&id, stderr).await });
        let answer = timeout(self.limits.total + GRACE, converse(&mut inspector, stdin, &line, turn)).await;
        let answer = answer.unwrap_or_else(|_| Err(io::Error::other("an inspector did not answer in time")));
        if answer.is_err() {
            end_what_is_left(&mut inspector, &turn.id).await;
        }
        if let Ok(Answer { survivors: survivors @ 1.., .. }) = &answer {
            tracing::error!(inspection.id = turn.id, survivors, "processes of an inspection are left");
        }
        answer
    }

    /// Why an inspection was ended, and what helps.
    pub(crate) fn why(&self, ending: &Ending) -> String {
        let limits = self.limits;
        let (why, setting) = match ending {
            Ending::Clock => {
                (format!("it took longer than {} s", limits.total.as_secs()), "runs.inspection_timeout_s")
            }
            Ending::Memory => (
                format!("it used more than {} bytes of memory", limits.memory_bytes),
                "runs.memory_max_bytes",
            ),
            Ending::Processes => {
                (format!("it had more than {} processes and threads", limits.processes), "runs.processes_max")
            }
            Ending::Output => return format!("it printed more than {} bytes", self.output_bytes()),
            Ending::Exit(_) | Ending::CallerGone | Ending::Failed(_) => return ending.to_string(),
        };
        format!("{why}\nhint: `{setting}` sets the limit")
    }

    /// How much a program may print.
    const fn output_bytes(&self) -> u64 {
        match self.limits.output_bytes {
            0 => MAX_OUTPUT,
            bytes if bytes < MAX_OUTPUT => bytes,
            _ => MAX_OUTPUT,
        }
    }

    fn specification(&self, turn: &Turn, what: Invocation<'_>) -> io::Result<Vec<u8>> {
        let text = |text: &OsStr| {
            let invalid = || io::Error::new(io::ErrorKind::InvalidInput, "a name is not UTF-8");
            text.to_str().map(str::to_owned).ok_or_else(invalid)
        };
        let environment = what.toolchain.variables().filter_map(|(name, value)| {
            // As for runs.
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let variables = what.variables.iter().map(|(name, value)| Ok(((*name).to_owned(), text(value)?)));
        let mut more = variables.collect::<io::Result<Vec<_>>>()?;
        let always = [
            // An inventory that no plugin can read is otherwise only a warning.
            ("ANSIBLE_INVENTORY_UNPARSED_FAILED", "1"),
            ("ANSIBLE_NOCOLOR", "1"),
            ("ANSIBLE_FORCE_COLOR", "0"),
        ];
        more.extend(always.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let spec = Spec {
            id: turn.id.clone(),
            program: what.program.to_owned(),
            arguments: what.arguments.iter().map(|word| text(word)).collect::<io::Result<_>>()?,
            directory: what.directory.to_owned(),
            environment: environment.collect(),
            more,
            isolation: self.isolation.clone(),
            limits: Limits { output_bytes: self.output_bytes(), ..self.limits },
            own: turn.own.clone(),
            seen: what.seen,
            hidden: self.hidden.clone(),
        };
        let mut line = serde_json::to_vec(&spec)?;
        line.push(b'\n');
        Ok(line)
    }
}

/// An inspector that was killed, or hangs, has left what it started.
async fn end_what_is_left(inspector: &mut Child, id: &str) {
    if let Err(error) = inspector.kill().await {
        tracing::error!(inspection.id = id, %error, "an inspector cannot be killed");
    }
    let of = id.to_owned();
    match spawn_blocking(move || orphans::end(MARKER, &of, &of)).await {
        Ok(ended) => tracing::warn!(inspection.id = id, ended, "an inspector exited without a response"),
        Err(error) => tracing::error!(inspection.id = id, %error, "processes of an inspection may be left"),
    }
}

/// Sends the inspection to the inspector, and reads its answer. End of input means to the inspector that the caller left.
async fn converse(
    inspector: &mut Child,
    stdin: Option<ChildStdin>,
    line: &[u8],
    turn: &mut Turn,
) -> io::Result<Answer> {
    let missing = || io::Error::other("an inspector has no pipes");
    let mut stdin = stdin.ok_or_else(missing)?;
    let stdout = inspector.stdout.take().ok_or_else(missing)?;
    stdin.write_all(line).await?;
    let mut stdin = Some(stdin);
    let reading = Answer::read(stdout);
    tokio::pin!(reading);
    let answer = loop {
        tokio::select! {
            answer = &mut reading => break answer?,
            _ = &mut turn.gone, if stdin.is_some() => stdin = None,
        }
    };
    inspector.wait().await?;
    Ok(answer)
}

/// Forwards an inspector's own log.
async fn log(id: &str, stderr: Option<ChildStderr>) {
    let Some(mut stderr) = stderr else { return };
    let mut text = Vec::new();
    // What cannot be read is not logged.
    let _ = (&mut stderr).take(MAX_SAID).read_to_end(&mut text).await;
    let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    let said = String::from_utf8_lossy(&text);
    if !said.trim().is_empty() {
        tracing::warn!(inspection.id = id, said = said.trim_end(), "an inspector reports a problem");
    }
}
