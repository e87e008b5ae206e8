//! `rangehand init`: process 1 of a container. It keeps a service running, so that the container and its runs
//! survive a crash.
//!
//! ```text
//! init (process 1) --starts, starts again--> serve or worker --> processes with Ansible imported
//!   '<--become its children when the service is killed-- supervisors of runs
//! ```
//! Otherwise the service would be process 1 or its only child, so that the container and all runs would end with
//! it. `init` also reaps orphaned processes. Outside of a container, it is a subreaper, which has the same effect.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Command, ExitCode, ExitStatus},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::{
    io::Errno,
    process::{Pid, Signal, WaitOptions, WaitStatus, kill_process},
};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::hardening;

/// A service that has run for this long counts as started successfully.
const STARTED_WELL: Duration = Duration::from_secs(10);
/// Maximum number of consecutive failed starts, in which the service ends by itself too early.
const MOST_FAILED_STARTS: u32 = 5;
/// Maximum number of consecutive starts in which the service is killed too early. A kill is not a fault of the
/// service.
const MOST_KILLED_STARTS: u32 = 1000;
/// The first pause before a restart after an early end. It doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How often to check whether the supervisors that were asked to terminate their runs have exited.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Prefix of the process name of a supervisor with a run; the first eight digits of the run ID follow.
const SUPERVISOR: &str = "run-";

/// Runs the command. `serve` and `worker` are kept running; any other command replaces this process.
///
/// # Errors
/// When the program cannot be started.
pub(super) fn run(command: &[OsString]) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let program = std::env::current_exe()?;
    if !is_service(command) {
        return Err(Command::new(program).args(command).exec().into());
    }
    // The environment may contain secrets.
    hardening::disable_core_dumps_and_ptrace();
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let stop = Stop::listen()?;
    let mut starts = Starts::default();
    loop {
        let begun = Instant::now();
        let service = Command::new(&program).args(command).spawn()?;
        let status = stop.wait_for(Pid::from_child(&service))?;
        if stop.is_asked() || status.success() {
            end_runs()?;
            return Ok(exit_code(status));
        }
        let Some(pause) = starts.pause_after(status, begun.elapsed()) else {
            tracing::error!("the service exited with {status} again before it was ready; giving up");
            end_runs()?;
            return Ok(exit_code(status));
        };
        tracing::warn!("the service exited: {status}; restarting it while its runs continue");
        stop.pause(pause)?;
        if stop.is_asked() {
            end_runs()?;
            return Ok(ExitCode::SUCCESS);
        }
    }
}

/// Whether the command is a service: its first word that is neither an option nor the value of one. Without such a
/// word, the command is `serve`.
fn is_service(command: &[OsString]) -> bool {
    let mut words = command.iter();
    while let Some(word) = words.next() {
        match word.to_string_lossy().as_ref() {
            "--host" | "--port" | "--config" => drop(words.next()),
            "--help" | "-h" | "--version" | "-V" => return false,
            option if option.starts_with('-') => {}
            name => return ["serve", "worker"].contains(&name),
        }
    }
    true
}

/// Number of consecutive starts that ended early.
#[derive(Debug, Default)]
struct Starts {
    failed: u32,
    killed: u32,
}

impl Starts {
    /// The pause before the next start; `None` when there were too many failures.
    fn pause_after(&mut self, status: ExitStatus, lived: Duration) -> Option<Duration> {
        if lived >= STARTED_WELL {
            *self = Self::default();
        }
        let is_killed = status.signal() == Some(Signal::KILL.as_raw());
        let count = if is_killed { &mut self.killed } else { &mut self.failed };
        *count += 1;
        if self.failed >= MOST_FAILED_STARTS || self.killed >= MOST_KILLED_STARTS {
            return None;
        }
        let doublings = (self.failed + self.killed - 1).min(8);
        Some((FIRST_PAUSE * (1 << doublings)).min(LONGEST_PAUSE))
    }
}

/// Stop requests, which are recorded and forwarded to the service.
struct Stop {
    is_asked: Arc<AtomicBool>,
    /// The service process, while there is one.
    service: Arc<Mutex<Option<Pid>>>,
}

impl Stop {
    fn listen() -> io::Result<Self> {
        let stop = Self { is_asked: Arc::default(), service: Arc::default() };
        let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
        let (is_asked, service) = (stop.is_asked.clone(), stop.service.clone());
        thread::spawn(move || {
            for _ in signals.forever() {
                let service = service.lock().unwrap_or_else(PoisonError::into_inner);
                is_asked.store(true, Ordering::SeqCst);
                pass_on(*service);
            }
        });
        Ok(stop)
    }

    fn is_asked(&self) -> bool {
        self.is_asked.load(Ordering::SeqCst)
    }

    /// Reaps until the service has ended.
    fn wait_for(&self, service: Pid) -> io::Result<ExitStatus> {
        {
            let mut known = self.service.lock().unwrap_or_else(PoisonError::into_inner);
            *known = Some(service);
            // The stop was requested before the service was started.
            if self.is_asked() {
                pass_on(*known);
            }
        }
        loop {
            // The service is not reaped while the other thread may signal it, so its process ID cannot be reused
            // until then.
            match rustix::process::waitid(
                rustix::process::WaitId::All,
                rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT,
            ) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let mut known = self.service.lock().unwrap_or_else(PoisonError::into_inner);
            while let Some((pid, status)) = rustix::process::wait(WaitOptions::NOHANG).or_else(none_left)? {
                if pid == service {
                    *known = None;
                    return Ok(ExitStatus::from_raw(raw(status)));
                }
            }
        }
    }

    /// Reaps processes for this long, or until a stop is requested.
    fn pause(&self, pause: Duration) -> io::Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < pause && !self.is_asked() {
            while rustix::process::wait(WaitOptions::NOHANG).or_else(none_left)?.is_some() {}
            thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }
}

fn pass_on(service: Option<Pid>) {
    if let Some(service) = service {
        // A failure means that the service has ended.
        let _ = kill_process(service, Signal::TERM);
    }
}

fn none_left(error: Errno) -> Result<Option<(Pid, WaitStatus)>, Errno> {
    if matches!(error, Errno::CHILD | Errno::INTR) { Ok(None) } else { Err(error) }
}

fn raw(status: WaitStatus) -> i32 {
    status.as_raw()
}

/// The kernel kills all remaining processes when process 1 ends. Supervisors are therefore stopped before, so that
/// each run records its outcome. The program that stops the container limits the time for this. Outside of a
/// container, runs continue.
fn end_runs() -> io::Result<()> {
    if rustix::process::getpid() != Pid::INIT {
        return Ok(());
    }
    let mut asked = Vec::new();
    loop {
        while rustix::process::wait(WaitOptions::NOHANG).or_else(none_left)?.is_some() {}
        let left = supervisors()?;
        if left.is_empty() {
            return Ok(());
        }
        for supervisor in left {
            if !asked.contains(&supervisor) {
                asked.push(supervisor);
                pass_on(Some(supervisor));
            }
        }
        thread::sleep(LOOK_AGAIN);
    }
}

/// All supervisors in this container. They become children of this process only after their parent has ended.
fn supervisors() -> io::Result<Vec<Pid>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw) else {
            continue;
        };
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
        if is_supervisor(&stat) {
            found.push(pid);
        }
    }
    Ok(found)
}

fn is_supervisor(stat: &str) -> bool {
    let parts = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')'));
    let Some((name, fields)) = parts else { return false };
    let state = fields.split_ascii_whitespace().next();
    let digits = name.strip_prefix(SUPERVISOR).unwrap_or_default();
    digits.len() == 8
        && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        && !matches!(state, None | Some("Z" | "X"))
}

/// The exit code that shells report: 128 plus the signal number for a killed process.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| Some(128 + status.signal()?)).unwrap_or(1);
    u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &str) -> Vec<OsString> {
        words.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn services_are_kept_and_other_commands_are_not() {
        for words in ["", "serve", "worker", "--port 80 serve", "--config serve.toml worker", "--host=::"] {
            assert!(is_service(&command(words)), "{words}");
        }
        for words in ["doctor", "token list", "--config serve doctor", "--version", "serve-not"] {
            assert!(!is_service(&command(words)), "{words}");
        }
    }

    fn exited(code: i32) -> ExitStatus {
        ExitStatus::from_raw(code << 8)
    }

    #[test]
    fn a_service_that_never_starts_well_is_given_up() {
        let mut starts = Starts::default();
        let pauses: Vec<_> = (0..5).map(|_| starts.pause_after(exited(1), Duration::ZERO)).collect();
        assert_eq!(pauses[0], Some(FIRST_PAUSE));
        assert_eq!(pauses[3], Some(FIRST_PAUSE * 8));
        assert_eq!(pauses[4], None);
    }

    #[test]
    fn a_service_that_started_well_resets_the_count() {
        let mut starts = Starts::default();
        for _ in 0..50 {
            assert!(starts.pause_after(exited(1), STARTED_WELL).is_some());
        }
    }

    #[test]
    fn a_service_that_is_killed_is_started_again_and_again() {
        let mut starts = Starts::default();
        for _ in 0..500 {
            let pause = starts.pause_after(ExitStatus::from_raw(9), Duration::ZERO);
            assert!(pause.is_some_and(|pause| pause <= LONGEST_PAUSE));
        }
    }

    #[test]
    fn the_exit_code_is_that_of_the_service() {
        assert_eq!(exit_code(exited(3)), ExitCode::from(3));
        assert_eq!(exit_code(ExitStatus::from_raw(15)), ExitCode::from(143));
    }

    #[test]
    fn supervisors_are_known_by_name() {
        assert!(is_supervisor("12 (run-0a1b2c3d) S 1 12 12 0"));
        assert!(!is_supervisor("12 (run-0a1b2c3d) Z 1 12 12 0"));
        assert!(!is_supervisor("12 (run-parts) S 1 12 12 0"));
        assert!(!is_supervisor("12 (run-(0a1b2c3) S 1 12 12 0"));
        assert!(!is_supervisor(""));
    }
}
