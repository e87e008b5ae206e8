//! Connections to machines that only a command of the service reaches, for a run that may not execute it: in a sandbox it has no
//! privileges, and sees nothing that the command needs.
//!
//! ```text
//! ssh --ProxyCommand--> connect.py --"NAME\n"--> this socket --> the command of that machine
//!  ^                        |                        |                    |
//!  '---- the connection ----'<---- by SCM_RIGHTS ----'<-------------------'
//! ```
//! A run names one machine, and gets nothing but a connection to the SSH server of that machine. Names are looked up among the
//! commands of this run. How many connections are made at once, how long each may take, and how long a request is, are limited.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    os::{
        fd::OwnedFd,
        unix::net::{UnixListener, UnixStream},
    },
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use model::{Draft, RunId, WarningCode};
use process::{MARKER, descriptors};
use rustix::{
    net::{Shutdown, shutdown},
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};
use serde_json::json;

/// How many connections are made at once; others wait.
const AT_ONCE: usize = 8;
/// The longest name of a machine with its inventory, in bytes.
const REQUEST_BYTES: usize = 256;
/// How long a run may take to say which machine it wants.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);
/// How long a command may take to connect.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);
/// What of the errors of a command the run gets to see, in bytes.
const ERROR_BYTES: u64 = 2000;
/// How many machines a warning shows.
const SHOWN_MACHINES: usize = 20;
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Before accepting is tried again, when the process has no file descriptors left.
const RETRY: Duration = Duration::from_millis(100);

/// Machines by their names, each with the reason why the last attempt to connect to it failed.
type Failures = BTreeMap<String, String>;

/// The socket of a run. When this is dropped, it accepts no more requests.
#[derive(Debug)]
pub(crate) struct Connections {
    listener: Arc<UnixListener>,
    broker: Arc<Broker>,
}

#[derive(Debug)]
struct Broker {
    run: RunId,
    commands: BTreeMap<String, Vec<String>>,
    is_over: AtomicBool,
    failures: Mutex<Failures>,
}

impl Connections {
    /// Listens at `socket` for requests for these machines; `None` if there are none.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub(crate) fn listen(
        socket: &Path,
        run: RunId,
        commands: BTreeMap<String, Vec<String>>,
    ) -> io::Result<Option<Self>> {
        if commands.is_empty() {
            return Ok(None);
        }
        let listener = Arc::new(UnixListener::bind(socket)?);
        let (is_over, failures) = (AtomicBool::new(false), Mutex::default());
        let broker = Arc::new(Broker { run, commands, is_over, failures });
        for _ in 0..AT_ONCE {
            let (listener, broker) = (Arc::clone(&listener), Arc::clone(&broker));
            thread::Builder::new().name("connections".to_owned()).spawn(move || broker.serve(&listener))?;
        }
        Ok(Some(Self { listener, broker }))
    }

    /// Machines to which no connection was made at the last attempt, as a warning. `ssh` does not show what its command prints.
    pub(crate) fn warning(&self) -> Option<Draft> {
        let failures = self.broker.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let (machine, why) = failures.first_key_value()?;
        let message = format!(
            "the platform could not connect to {} machines of ranges; the first is `{machine}`: {why}",
            failures.len()
        );
        let shown = failures.iter().take(SHOWN_MACHINES);
        let shown: Vec<_> = shown.map(|(machine, why)| json!({ "machine": machine, "why": why })).collect();
        let more = json!({ "machines": shown, "total": failures.len() });
        Some(Draft::warning(Timestamp::now(), WarningCode::MachineUnreachable, message, more))
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        self.broker.is_over.store(true, Ordering::Release);
        // Wakes all that wait in `accept`.
        if let Err(error) = shutdown(&*self.listener, Shutdown::Both) {
            tracing::debug!(%error, "the socket for connections to machines is not closed");
        }
    }
}

impl Broker {
    fn serve(&self, listener: &UnixListener) {
        while !self.is_over.load(Ordering::Acquire) {
            match listener.accept() {
                Ok((stream, _)) => {
                    if let Err(error) = self.answer(&stream) {
                        tracing::debug!(%error, "a request for a connection to a machine was not answered");
                    }
                }
                Err(_) => thread::sleep(RETRY),
            }
        }
    }

    fn answer(&self, mut stream: &UnixStream) -> io::Result<()> {
        stream.set_write_timeout(Some(REQUEST_LIMIT))?;
        let connected = match read_name(stream)? {
            Some(name) => self.connect_to(&name),
            None => Err("the name of the machine is not one line of text".to_owned()),
        };
        match connected {
            Ok(socket) => descriptors::pass(stream, socket),
            Err(message) => stream.write_all(message.as_bytes()),
        }
    }

    /// Connects to a machine of this run; keeps the reason if that fails.
    fn connect_to(&self, name: &str) -> Result<OwnedFd, String> {
        let command = self.commands.get(name).and_then(|command| command.split_first());
        let Some((program, arguments)) = command else {
            return Err(format!("`{}` is no machine of the ranges of this job", name.escape_debug()));
        };
        let connected = self.execute(name, program, arguments);
        let machine = name.rsplit('/').next().unwrap_or(name);
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        match &connected {
            Ok(_) => failures.remove(machine),
            Err(why) => failures.insert(machine.to_owned(), why.clone()),
        };
        connected
    }

    /// Has the command of a machine connect to it.
    fn execute(&self, name: &str, program: &str, arguments: &[String]) -> Result<OwnedFd, String> {
        let failed = |error: io::Error| format!("cannot connect to `{name}`: {error}");
        let (own_end, other_end) = UnixStream::pair().map_err(failed)?;
        let (errors, errors_of_command) = UnixStream::pair().map_err(failed)?;
        for socket in [&own_end, &errors] {
            socket.set_read_timeout(Some(CONNECT_LIMIT)).map_err(failed)?;
        }
        let child = Command::new(program)
            .args(arguments)
            .env_clear()
            .env("PATH", PATH)
            .env(MARKER, self.run.to_string())
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(OwnedFd::from(other_end))
            .stderr(OwnedFd::from(errors_of_command))
            .spawn()
            .map_err(failed)?;
        let pid = Pid::from_child(&child);
        // The child is reaped with all others: by its number alone, another process could be meant later.
        let held = pidfd_open(pid, PidfdFlags::empty());
        match descriptors::receive(&own_end) {
            Ok(Some(socket)) => Ok(socket),
            Ok(None) => {
                let mut text = String::new();
                let _ = errors.take(ERROR_BYTES).read_to_string(&mut text);
                let text = text.trim();
                Err(if text.is_empty() { format!("cannot connect to `{name}`") } else { text.to_owned() })
            }
            Err(error) => {
                if let Ok(process) = held {
                    let _ = pidfd_send_signal(process, Signal::KILL);
                }
                Err(failed(error))
            }
        }
    }
}

/// The line that names a machine; `None` if it is not valid.
fn read_name(mut stream: &UnixStream) -> io::Result<Option<String>> {
    let end = Instant::now() + REQUEST_LIMIT;
    let mut line = Vec::new();
    let mut byte = [0];
    while line.len() < REQUEST_BYTES {
        let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        stream.set_read_timeout(Some(left))?;
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        if byte[0] == b'\n' {
            return Ok(String::from_utf8(line).ok());
        }
        line.push(byte[0]);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::*;

    /// Passes a pipe in which a text is, as the command of a platform passes a connection.
    const PASS: &str = "import os, socket, sys\nr, w = os.pipe()\nos.write(w, sys.argv[1].encode())\nos.close(w)\n\
                        socket.send_fds(socket.socket(fileno=1), [b'x'], [r])\n";

    struct Site {
        directory: tempfile::TempDir,
        connections: Option<Connections>,
    }

    fn site() -> Site {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("connect.py"), include_str!("python/connect.py")).expect("written");
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let commands = BTreeMap::from([
            ("range-1/web".to_owned(), words(&["python3", "-c", PASS, "hello from web"])),
            ("range-1/down".to_owned(), words(&["sh", "-c", "echo it is not running >&2; exit 1"])),
            ("range-1/none".to_owned(), words(&["/no/such/program"])),
        ]);
        let run = "018f0000-0000-7000-8000-000000000001".parse().expect("an id");
        let connections = Connections::listen(&directory.path().join("socket"), run, commands);
        Site { connections: connections.expect("listens"), directory }
    }

    impl Site {
        /// What `ssh` gets from `connect.py`, or what that prints.
        fn ask(&self, name: &str) -> Result<String, String> {
            let (own_end, other_end) = UnixStream::pair().expect("sockets");
            let mut command = Command::new("python3");
            command.arg(self.directory.path().join("connect.py")).arg(self.directory.path().join("socket"));
            command.arg(name).stdout(OwnedFd::from(other_end)).stderr(Stdio::piped());
            let client = command.spawn().expect("python3");
            drop(command);
            let passed = descriptors::receive(&own_end).expect("received");
            let output = client.wait_with_output().expect("ended");
            let passed = passed.ok_or_else(|| String::from_utf8_lossy(&output.stderr).trim().to_owned())?;
            let mut text = String::new();
            File::from(passed).read_to_string(&mut text).expect("read");
            Ok(text)
        }

        /// What is answered to these bytes.
        fn send(&self, bytes: &[u8]) -> String {
            let mut stream = UnixStream::connect(self.directory.path().join("socket")).expect("listens");
            stream.write_all(bytes).expect("sent");
            stream.shutdown(std::net::Shutdown::Write).expect("sent");
            let mut text = String::new();
            // The rest of a long request is not read, which ends the connection.
            let _ = stream.read_to_string(&mut text);
            text
        }
    }

    #[test]
    fn a_run_gets_a_connection_to_a_machine_of_its_ranges_and_to_no_other() {
        let site = site();
        assert_eq!(site.ask("range-1/web").as_deref(), Ok("hello from web"));
        for foreign in ["range-2/web", "web", "range-1/../range-1/web", "", "range-1/web;id"] {
            let refused = site.ask(foreign).expect_err("refused");
            assert!(refused.contains("is no machine of the ranges of this job"), "{foreign}: {refused}");
        }
        assert_eq!(site.ask("range-1/down").expect_err("refused"), "it is not running");
        assert!(site.ask("range-1/none").expect_err("refused").contains("cannot connect to `range-1/none`"));
        let warning = site.connections.as_ref().and_then(Connections::warning).expect("a warning");
        let machines = warning.data["machines"].as_array().expect("a list");
        let names: Vec<_> = machines.iter().map(|shown| shown["machine"].clone()).collect();
        assert_eq!(names, ["down", "none"], "those of this run, and no others");
        assert_eq!(machines[0]["why"], "it is not running");
    }

    #[test]
    fn bad_requests_are_refused_and_many_at_once_are_answered() {
        let site = site();
        for bad in [&b"range-1/web"[..], b"", b"\xff\xfe\n", &[b'a'; REQUEST_BYTES]] {
            let answer = site.send(bad);
            assert!(answer.contains("is not one line of text"), "{bad:?}: {answer}");
        }
        assert!(!site.send(&[b'a'; 100 * REQUEST_BYTES]).contains("hello"));
        thread::scope(|scope| {
            let asked: Vec<_> = (0..4 * AT_ONCE).map(|_| scope.spawn(|| site.ask("range-1/web"))).collect();
            for asked in asked {
                assert_eq!(asked.join().expect("no panic").as_deref(), Ok("hello from web"));
            }
        });
    }

    #[test]
    fn nothing_is_accepted_once_the_run_has_ended() {
        let mut site = site();
        drop(site.connections.take());
        let error = UnixStream::connect(site.directory.path().join("socket")).expect_err("closed");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
