//! The fork servers of this process: found by interpreter and environment, started on demand, stopped when they are idle or fail.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, ErrorKind},
    os::fd::{AsFd, OwnedFd},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use content::Configuration;
use model::redact::tells_of_a_secret;
use tokio::{
    sync::OnceCell,
    task::{JoinError, spawn_blocking},
};

use super::{Interpreter, server::ForkServer};
use crate::run::{command, spec::RunSpec};

/// The maximum number of servers. The least recently used one is stopped.
const MAX_SERVERS: usize = 3;
/// A server that was idle for this long is stopped.
const IDLE_LIMIT: Duration = Duration::from_secs(15 * 60);
/// How long after the start of a run the next supervisor is forked. Until then the run has the CPU.
const HEAD_START: Duration = Duration::from_millis(20);
/// How long to wait after a server could not import Ansible.
const RETRY_AFTER_FAILURE: Duration = Duration::from_secs(10 * 60);
/// How long to wait after a server exited during its start, because it may have been killed.
const RETRY_AFTER_EXIT: Duration = Duration::from_secs(5);

/// The runs that a server is suitable for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Fingerprint {
    interpreter: Interpreter,
    environment: Vec<(String, String)>,
}

impl Fingerprint {
    /// `None` without Python.
    fn of(spec: &RunSpec) -> Option<Self> {
        let interpreter = Interpreter::of(&spec.environment)?;
        let variables = spec.environment.iter().cloned().collect();
        let configuration = Configuration::find(&variables, &spec.source.working_directory).file;
        let configuration =
            configuration.map(|path| ("ANSIBLE_CONFIG".to_owned(), path.to_string_lossy().into_owned()));
        let always = command::always(spec.limits.event_bytes).map(|(name, value)| (name.to_owned(), value));
        // No secrets: a server lives long. Ansible reads no secret variables while it is imported.
        let environment =
            spec.environment.iter().filter(|(name, _)| !tells_of_a_secret(name) && name != "ANSIBLE_CONFIG");
        let facts = spec.facts.as_ref().map(command::facts).into_iter().flatten();
        let facts = facts.map(|(name, value)| (name.to_owned(), value.to_string_lossy().into_owned()));
        let environment =
            always.into_iter().chain(facts).chain(environment.cloned()).chain(configuration).collect();
        Some(Self { interpreter, environment })
    }
}

/// The fork servers of this process.
#[derive(Debug, Clone, Default)]
pub struct ForkServers(Arc<Mutex<HashMap<Fingerprint, Entry>>>);

/// A server, or the place for one that is being started.
#[derive(Debug, Clone)]
struct Entry {
    server: Arc<OnceCell<Result<Arc<ForkServer>, RetryAt>>>,
    used: Instant,
}

/// A server could not be started: when to try again.
#[derive(Debug, Clone, Copy)]
struct RetryAt(Instant);

impl RetryAt {
    fn after(error: &io::Error) -> Self {
        let has_ended = matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof);
        Self(Instant::now() + if has_ended { RETRY_AFTER_EXIT } else { RETRY_AFTER_FAILURE })
    }
}

impl ForkServers {
    /// Assigns the run in `directory` to an idle supervisor, with its lock and its log. Returns the pipe for the
    /// specification, or `None` if a supervisor must be started in another way. Supervisors execute `program`.
    pub(crate) async fn launch(
        &self,
        program: &Path,
        spec: &RunSpec,
        directory: &str,
        files: (&File, &File),
    ) -> Option<OwnedFd> {
        let fingerprint = Fingerprint::of(spec)?;
        // Twice: the first server may have exited.
        for _ in 0..2 {
            let server = self.server(&fingerprint, program).await?;
            let (lock, log) = (files.0.try_clone().ok()?, files.1.try_clone().ok()?);
            let (launching, directory) = (server.clone(), directory.to_owned());
            let launched = spawn_blocking(move || {
                let (reader, specification) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
                launching.supervisor()?.assign(&directory, [reader.as_fd(), lock.as_fd(), log.as_fd()])?;
                Ok((specification, launching))
            });
            match launched.await {
                Ok(Ok((specification, server))) => {
                    tokio::spawn(async move {
                        tokio::time::sleep(HEAD_START).await;
                        server.prepare();
                    });
                    return Some(specification);
                }
                Ok::<_, JoinError>(Err::<_, io::Error>(error)) => {
                    tracing::warn!(%error, "the process with Ansible imported does not answer; replacing it");
                    self.forget(&fingerprint, &server);
                }
                Err(_) => return None,
            }
        }
        None
    }

    /// The server for a fingerprint, started if necessary. Concurrent callers wait for the same start.
    async fn server(&self, fingerprint: &Fingerprint, program: &Path) -> Option<Arc<ForkServer>> {
        let entry = self.entry(fingerprint);
        let start = || async {
            let (servers, fingerprint, program) = (self.clone(), fingerprint.clone(), program.to_owned());
            let started = spawn_blocking(move || {
                ForkServer::start(&fingerprint.interpreter, &fingerprint.environment, &program)
            });
            match started.await.unwrap_or_else(|error| Err(io::Error::other(error))) {
                Ok(server) => {
                    tokio::spawn(async move { servers.retire_when_idle().await });
                    Ok(Arc::new(server))
                }
                Err(error) => {
                    tracing::warn!(%error, "Ansible cannot be kept imported; ansible-runner is started for each run");
                    Err(RetryAt::after(&error))
                }
            }
        };
        entry.server.get_or_init(start).await.as_ref().ok().cloned()
    }

    fn entry(&self, fingerprint: &Fingerprint) -> Entry {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, entry| match entry.server.get() {
            None => true,
            Some(Ok(server)) => entry.used.elapsed() < IDLE_LIMIT && server.is_good(),
            Some(Err(RetryAt(time))) => Instant::now() < *time,
        });
        if !entries.contains_key(fingerprint) && entries.len() >= MAX_SERVERS {
            let oldest = entries
                .iter()
                .min_by_key(|(_, entry)| entry.used)
                .map(|(fingerprint, _)| fingerprint.clone());
            oldest.and_then(|oldest| entries.remove(&oldest));
        }
        let new = || Entry { server: Arc::default(), used: Instant::now() };
        let entry = entries.entry(fingerprint.clone()).or_insert_with(new);
        entry.used = Instant::now();
        entry.clone()
    }

    fn forget(&self, fingerprint: &Fingerprint, server: &Arc<ForkServer>) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it =
            |entry: &mut Entry| matches!(entry.server.get(), Some(Ok(known)) if Arc::ptr_eq(known, server));
        if entries.get_mut(fingerprint).is_some_and(is_it) {
            entries.remove(fingerprint);
        }
    }

    /// Stops idle servers until there are none.
    async fn retire_when_idle(&self) {
        loop {
            tokio::time::sleep(IDLE_LIMIT / 10).await;
            let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            entries.retain(|_, entry| entry.server.get().is_none() || entry.used.elapsed() < IDLE_LIMIT);
            if entries.is_empty() {
                return;
            }
        }
    }
}
