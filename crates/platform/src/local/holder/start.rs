//! Starts the holder: namespaces by `unshare`, in them the holder itself, which outlives the process that started it.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::{fs::DirBuilderExt, net::UnixStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::super::{
    kernel::{Failure, SYSTEM_PATH, has_program},
    options::Options,
};
use crate::error::Error;

const SOCKET: &str = "holder.sock";
const LOG: &str = "holder.log";
/// How long the holder may take until it accepts connections.
const START_LIMIT: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The first process of its namespace of processes collects those that lost their parents, and ends with the holder.
const FIRST: &str = r#""$@" & wait "$!""#;

/// The socket of the holder with this directory.
pub(in super::super) fn socket(run: &Path) -> PathBuf {
    run.join(SOCKET)
}

/// The arguments of `unshare` for namespaces of an ordinary user: with a range of subordinate ids where there is one, so that machines
/// have users; else with one user.
pub(in super::super) fn namespaces() -> Vec<&'static str> {
    let mut arguments = vec!["--user", "--map-root-user"];
    if has_subordinate_ids() {
        arguments.push("--map-auto");
    }
    arguments.extend([
        "--net",
        "--mount",
        "--uts",
        "--ipc",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
    ]);
    arguments
}

/// Starts the holder and waits until it accepts connections.
pub(super) async fn start(options: &Options) -> Result<(), Error> {
    let run = &options.run;
    let failed = |error: io::Error| Failure::new(format!("start the holder in `{}`", run.display()), error);
    DirBuilder::new().recursive(true).mode(0o700).create(run).map_err(failed)?;
    let log = File::create(run.join(LOG)).map_err(failed)?;
    let errors = log.try_clone().map_err(failed)?;
    let Some((program, arguments)) = options.program.split_first() else {
        return Err(Error::refused("the local platform has no program for its holder"));
    };
    let settings = serde_json::to_string(options).map_err(|error| failed(error.into()))?;
    let status = Command::new("setsid")
        .args(["--fork", "unshare"])
        .args(namespaces())
        .args(["sh", "-c", FIRST, "sh"])
        .arg(program)
        .args(arguments)
        .args(["hold", &settings])
        .env_clear()
        .env("PATH", SYSTEM_PATH)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .status()
        .map_err(failed)?;
    let begun = Instant::now();
    while UnixStream::connect(socket(run)).is_err() {
        if !status.success() || begun.elapsed() > START_LIMIT {
            let log = fs::read_to_string(run.join(LOG)).unwrap_or_default();
            return Err(Error::refused_with(
                format!("the holder of the local platform does not start: {}", log.trim()),
                "`rangehand doctor` says what the local platform needs",
            ));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

/// Does this user have subordinate ids, and the program that maps them?
fn has_subordinate_ids() -> bool {
    if !has_program("newuidmap") || !has_program("newgidmap") {
        return false;
    }
    let uid = rustix::process::getuid().as_raw().to_string();
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    });
    let has = |file: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        text.lines().any(|line| {
            let owner = line.split(':').next();
            owner == Some(&uid) || (owner.is_some() && owner == name.as_deref())
        })
    };
    has("/etc/subuid") && has("/etc/subgid")
}
