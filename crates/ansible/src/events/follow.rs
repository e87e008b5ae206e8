//! Follows a run from outside: its events as they are spooled, then its outcome.
//!
//! Works the same for a run that was started a moment ago and for one that a service before this one started.
//! Woken by the kernel when the directory changes, and by a timer in case a wake-up is lost.

use std::{
    io::{self, ErrorKind},
    mem::MaybeUninit,
    os::fd::OwnedFd,
    time::Duration,
};

use model::PlaybookOutcome;
use rustix::fs::inotify;
use tokio::{io::unix::AsyncFd, time::timeout};

use crate::{
    events::spool::{Entry, Reader},
    run::directory::RunDirectory,
};

/// How many events one batch has at most.
const BATCH: usize = 1000;
/// How long a lost wake-up can go unnoticed.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// What there is to know next.
#[derive(Debug)]
pub enum Progress {
    /// More events, in order.
    Events(Vec<Entry>),
    /// The run has ended, and every event was returned.
    Ended(Box<PlaybookOutcome>),
    /// The supervisor has exited without an outcome. Every event that it wrote was returned.
    Gone,
}

/// Follows one run.
#[derive(Debug)]
pub struct Follower {
    directory: RunDirectory,
    reader: Option<Reader>,
    /// `None` if the system has none left. Then only the timer wakes the task.
    changes: Option<AsyncFd<OwnedFd>>,
    after: u64,
}

impl Follower {
    /// Begins after the event with number `after`; 0 for all.
    ///
    /// # Errors
    /// When the directory is not there.
    pub fn new(directory: RunDirectory, after: u64) -> io::Result<Self> {
        if !directory.path().try_exists()? {
            return Err(ErrorKind::NotFound.into());
        }
        let changes = watch(&directory).inspect_err(
            |error| tracing::warn!(%error, "a run cannot be watched; looking at it every second"),
        );
        Ok(Self { directory, reader: None, changes: changes.ok(), after })
    }

    /// Waits for progress.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub async fn next(&mut self) -> io::Result<Progress> {
        loop {
            // The order matters: what is read first was complete before what is read next.
            let held = self.directory.is_held()?;
            let ended = self.directory.has_outcome()?;
            let batch = self.batch(ended)?;
            if let Some(last) = batch.last() {
                self.after = last.n;
                return Ok(Progress::Events(batch));
            }
            if let Some(outcome) = self.directory.outcome()?.filter(|_| ended) {
                return Ok(Progress::Ended(Box::new(outcome)));
            }
            if !held {
                return Ok(Progress::Gone);
            }
            // An error here is the timer: poll.
            let _ = timeout(POLL_INTERVAL, self.changed()).await;
        }
    }

    /// If there is an outcome, an error of the spool only ends the events.
    fn batch(&mut self, ended: bool) -> io::Result<Vec<Entry>> {
        match self.read() {
            Err(error) if ended && error.kind() == ErrorKind::InvalidData => {
                tracing::error!(%error, "the end of a spool is damaged");
                Ok(Vec::new())
            }
            other => other,
        }
    }

    fn read(&mut self) -> io::Result<Vec<Entry>> {
        if self.reader.is_none() {
            self.reader = match Reader::open(&self.directory.spool()) {
                Ok(reader) => Some(reader),
                Err(error) if error.kind() == ErrorKind::NotFound => None,
                Err(error) => return Err(error),
            };
        }
        self.reader.as_mut().map_or(Ok(Vec::new()), |reader| reader.next_batch(self.after, BATCH))
    }

    /// Waits for a change, and discards all notifications so far: the files are read anyway.
    async fn changed(&self) -> io::Result<()> {
        let Some(changes) = &self.changes else { return std::future::pending().await };
        let mut ready = changes.readable().await?;
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(changes.get_ref(), &mut buffer);
        while events.next().is_ok() {}
        ready.clear_ready();
        Ok(())
    }
}

fn watch(directory: &RunDirectory) -> io::Result<AsyncFd<OwnedFd>> {
    let changes = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC)?;
    let what = inotify::WatchFlags::MODIFY | inotify::WatchFlags::CREATE | inotify::WatchFlags::MOVED_TO;
    inotify::add_watch(&changes, directory.path(), what)?;
    // Deprecated because a type can misreport its descriptor. `OwnedFd` can't, and the replacement is unsafe.
    #[expect(deprecated, reason = "sound for a type that owns its descriptor")]
    AsyncFd::new(changes)
}
