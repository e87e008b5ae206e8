//! The fork servers of this process: found by interpreter and environment, started on demand, ended when they are idle or fail.

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

use super::{Interpreter, host::Host};
use crate::run::{command, spec::RunSpec};

/// How many hosts there are at most; the one that was not used for longest goes.
const MOST_HOSTS: usize = 3;
/// A host that was not used for so long goes.
const IDLE_LIMIT: Duration = Duration::from_secs(15 * 60);
/// How long after a run has begun a supervisor is begun for the next: until then the processors are this one's.
const HEAD_START: Duration = Duration::from_millis(20);
/// How long not to try again where no host can be had.
const UNFIT_FOR: Duration = Duration::from_secs(10 * 60);
/// How long not to try again when one ended while it began: somebody may have killed it.
const ENDED_FOR: Duration = Duration::from_secs(5);

/// What a host is good for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Fingerprint {
    interpreter: Interpreter,
    environment: Vec<(String, String)>,
}

impl Fingerprint {
    /// `None` when no Python can be found.
    fn of(spec: &RunSpec) -> Option<Self> {
        let interpreter = Interpreter::of(&spec.environment)?;
        let told = spec.environment.iter().cloned().collect();
        let configuration = Configuration::find(&told, &spec.source.working_directory).file;
        let configuration =
            configuration.map(|path| ("ANSIBLE_CONFIG".to_owned(), path.to_string_lossy().into_owned()));
        let always = command::always(spec.limits.event_bytes).map(|(name, value)| (name.to_owned(), value));
        // No secrets: a host lives long. What Ansible makes of a variable while it is imported is no secret.
        let environment =
            spec.environment.iter().filter(|(name, _)| !tells_of_a_secret(name) && name != "ANSIBLE_CONFIG");
        let facts = spec.facts.as_ref().map(command::facts).into_iter().flatten();
        let facts = facts.map(|(name, value)| (name.to_owned(), value.to_string_lossy().into_owned()));
        let environment =
            always.into_iter().chain(facts).chain(environment.cloned()).chain(configuration).collect();
        Some(Self { interpreter, environment })
    }
}

/// The hosts of this process.
#[derive(Debug, Clone, Default)]
pub struct Hosts(Arc<Mutex<HashMap<Fingerprint, Place>>>);

/// Where a host is, or will be when somebody has started it.
#[derive(Debug, Clone)]
struct Place {
    host: Arc<OnceCell<Result<Arc<Host>, Unfit>>>,
    used: Instant,
}

/// Until when not to look for a host, because none can be had.
#[derive(Debug, Clone, Copy)]
struct Unfit(Instant);

impl Unfit {
    fn by(error: &io::Error) -> Self {
        let has_ended = matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof);
        Self(Instant::now() + if has_ended { ENDED_FOR } else { UNFIT_FOR })
    }
}

impl Hosts {
    /// Gives the run in `directory` to a supervisor of a host, with its lock and its log; gives the end by which it is told
    /// what to do. `None` when one must be started in another way. A host that is started has `program` executed.
    pub(crate) async fn launch(
        &self,
        program: &Path,
        spec: &RunSpec,
        directory: &str,
        files: (&File, &File),
    ) -> Option<OwnedFd> {
        let fingerprint = Fingerprint::of(spec)?;
        // Twice: a host may be found dead.
        for _ in 0..2 {
            let host = self.host(&fingerprint, program).await?;
            let (lock, log) = (files.0.try_clone().ok()?, files.1.try_clone().ok()?);
            let (launching, directory) = (host.clone(), directory.to_owned());
            let launched = spawn_blocking(move || {
                let (reader, told) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
                launching.spare()?.give(&directory, [reader.as_fd(), lock.as_fd(), log.as_fd()])?;
                Ok((told, launching))
            });
            match launched.await {
                Ok(Ok((told, host))) => {
                    tokio::spawn(async move {
                        tokio::time::sleep(HEAD_START).await;
                        host.prepare();
                    });
                    return Some(told);
                }
                Ok::<_, JoinError>(Err::<_, io::Error>(error)) => {
                    tracing::warn!(%error, "the process with Ansible imported does not answer; replacing it");
                    self.forget(&fingerprint, &host);
                }
                Err(_) => return None,
            }
        }
        None
    }

    /// The host for it, started if there is none; whoever asks meanwhile waits for the same.
    async fn host(&self, fingerprint: &Fingerprint, program: &Path) -> Option<Arc<Host>> {
        let place = self.place(fingerprint);
        let start = || async {
            let (hosts, fingerprint, program) = (self.clone(), fingerprint.clone(), program.to_owned());
            let started = spawn_blocking(move || {
                Host::start(&fingerprint.interpreter, &fingerprint.environment, &program)
            });
            match started.await.unwrap_or_else(|error| Err(io::Error::other(error))) {
                Ok(host) => {
                    tokio::spawn(async move { hosts.retire_when_idle().await });
                    Ok(Arc::new(host))
                }
                Err(error) => {
                    tracing::warn!(%error, "Ansible cannot be kept imported; ansible-runner is started for each run");
                    Err(Unfit::by(&error))
                }
            }
        };
        place.host.get_or_init(start).await.as_ref().ok().cloned()
    }

    fn place(&self, fingerprint: &Fingerprint) -> Place {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.retain(|_, place| match place.host.get() {
            None => true,
            Some(Ok(host)) => place.used.elapsed() < IDLE_LIMIT && host.is_good(),
            Some(Err(Unfit(until))) => Instant::now() < *until,
        });
        if !places.contains_key(fingerprint) && places.len() >= MOST_HOSTS {
            let oldest =
                places.iter().min_by_key(|(_, place)| place.used).map(|(fingerprint, _)| fingerprint.clone());
            oldest.and_then(|oldest| places.remove(&oldest));
        }
        let new = || Place { host: Arc::default(), used: Instant::now() };
        let place = places.entry(fingerprint.clone()).or_insert_with(new);
        place.used = Instant::now();
        place.clone()
    }

    fn forget(&self, fingerprint: &Fingerprint, host: &Arc<Host>) {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it =
            |place: &mut Place| matches!(place.host.get(), Some(Ok(known)) if Arc::ptr_eq(known, host));
        if places.get_mut(fingerprint).is_some_and(is_it) {
            places.remove(fingerprint);
        }
    }

    /// Goes on until there is no host.
    async fn retire_when_idle(&self) {
        loop {
            tokio::time::sleep(IDLE_LIMIT / 10).await;
            let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            places.retain(|_, place| place.host.get().is_none() || place.used.elapsed() < IDLE_LIMIT);
            if places.is_empty() {
                return;
            }
        }
    }
}
