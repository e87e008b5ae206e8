//! The directory of a run and its files, through which the supervisor and the service communicate.
//!
//! ```text
//! <state>/runs/<run id>/         mode 0700
//!   lock            locked as long as the supervisor or the service that starts it lives; contains the boot ID at creation
//!   begun           a link: "began" once Ansible may be executed, "never" once it may not; see `beginning.rs`
//!   supervisor.json identifies the supervisor: pid, start time, boot id
//!   cgroup          the control group of the run, where there is one
//!   stop            exists if the run was requested to stop
//!   spool.ndjson    the events, one per line, numbered 1, 2, 3 ...
//!   reserve         disk space for the outcome, released before that is written
//!   outcome.json    how it ended; written once, atomically, when everything else is done
//!   supervisor.log  the log of the supervisor
//!   private/        ansible-runner's private data directory; removed at the end of the run
//! ```

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use model::{PlaybookOutcome, RunId};
use process::{Identity, cgroup::Group, untrusted::remove_tree};
use rustix::{
    fs::{FallocateFlags, FlockOperation, Mode, OFlags},
    io::Errno,
};
use serde::{Serialize, de::DeserializeOwned};
use tempfile::NamedTempFile;

/// How often a removal is repeated when files are written meanwhile, such as a request to stop.
const REMOVALS: usize = 3;

/// How much room is kept for an outcome.
const RESERVE_BYTES: usize = 256 * 1024;

/// The paths of one run.
#[derive(Debug, Clone)]
pub struct RunDirectory {
    path: PathBuf,
}

impl RunDirectory {
    /// Where the run has its files; nothing is made yet.
    #[must_use]
    pub fn new(runs: &Path, run: RunId) -> Self {
        Self { path: runs.join(run.to_string()) }
    }

    /// An existing directory, for a supervisor, which gets the path.
    #[must_use]
    pub const fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// The directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// ansible-runner's private data directory.
    #[must_use]
    pub fn private(&self) -> PathBuf {
        self.path.join("private")
    }

    /// The numbered events.
    #[must_use]
    pub fn spool(&self) -> PathBuf {
        self.path.join("spool.ndjson")
    }

    /// The supervisor's own log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.path.join("supervisor.log")
    }

    /// Makes the directory and takes its lock.
    ///
    /// # Errors
    /// When the directory exists, or cannot be made or locked.
    pub fn create(&self) -> io::Result<File> {
        if let Some(runs) = self.path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(runs)?;
        }
        DirBuilder::new().mode(0o700).create(&self.path)?;
        let mut lock = new_file(&self.path.join("lock"))?;
        rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        lock.write_all(process::boot_id().unwrap_or_default().as_bytes())?;
        Ok(lock)
    }

    /// Whether the supervisor, or the service that is starting it, still lives.
    ///
    /// They hold the lock. The kernel releases it when the last holder ends, in any way.
    ///
    /// # Errors
    /// When the lock cannot be checked, for example because this process has no descriptor left.
    pub fn is_held(&self) -> io::Result<bool> {
        let lock = match self.open_lock() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            other => other?,
        };
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(false),
            Err(Errno::WOULDBLOCK) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn open_lock(&self) -> io::Result<File> {
        // A run without a sandbox can put a FIFO in its place, and opening one waits for a writer.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::open(self.path.join("lock"), flags, Mode::empty())?.into())
    }

    /// Records the identity of the supervisor. Neither this file nor that of the group is made durable: after a power failure
    /// no process is left, and remaining files are unreadable, or void because of their boot ID.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_identity(&self, identity: &Identity) -> io::Result<()> {
        write_json(&self.path, "supervisor.json", identity).map(drop)
    }

    /// The identity of the supervisor, once it is recorded.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        read_json(&self.path.join("supervisor.json")).ok().flatten()
    }

    /// Records the control group of the run, before the supervisor enters it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_group(&self, group: &Group) -> io::Result<()> {
        write_json(&self.path, "cgroup", &group.path()).map(drop)
    }

    /// The control group of the run, as far as one is recorded.
    fn group(&self) -> Option<Group> {
        let path = read_json(&self.path.join("cgroup")).ok().flatten()?;
        Group::at(path, self.path.file_name()?.to_str()?)
    }

    /// Requests the supervisor to end the run.
    ///
    /// This writes the file, then sends the signal. The supervisor records its identity, then reads the file. So it sees the
    /// request in every order.
    ///
    /// # Errors
    /// When there is no such directory yet, or it cannot be written.
    pub fn ask_to_stop(&self) -> io::Result<()> {
        // One that has ended is about to be removed: nothing new must get in the way.
        if self.has_outcome()? {
            return Ok(());
        }
        match new_file(&self.path.join("stop")) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => drop(other?),
        }
        if let Some(supervisor) = self.identity() {
            let _was_there = supervisor.stop();
        }
        Ok(())
    }

    /// Whether the run was requested to stop.
    #[must_use]
    pub fn is_asked_to_stop(&self) -> bool {
        self.path.join("stop").exists()
    }

    /// Keeps room for the outcome, so that a run that fills the disk can still say so.
    ///
    /// # Errors
    /// When there is no room now.
    pub fn keep_room(&self) -> io::Result<()> {
        let mut reserve = new_file(&self.reserve())?;
        match rustix::fs::fallocate(&reserve, FallocateFlags::empty(), 0, RESERVE_BYTES as u64) {
            // Not every file system can set room aside.
            Err(Errno::OPNOTSUPP) => reserve.write_all(&vec![0; RESERVE_BYTES]),
            other => Ok(other?),
        }
    }

    fn reserve(&self) -> PathBuf {
        self.path.join("reserve")
    }

    /// Says how the run ended.
    ///
    /// # Errors
    /// When the file cannot be written; then there is no outcome at all, never half of one.
    pub fn write_outcome(&self, outcome: &PlaybookOutcome) -> io::Result<()> {
        // Makes room where the events filled the disk. What is not there needs no removing.
        let _ = fs::remove_file(self.reserve());
        write_durable_json(&self.path, "outcome.json", outcome)
    }

    /// Whether the run has ended with an outcome.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn has_outcome(&self) -> io::Result<bool> {
        self.path.join("outcome.json").try_exists()
    }

    /// How the run ended, once it has.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn outcome(&self) -> io::Result<Option<PlaybookOutcome>> {
        read_json(&self.path.join("outcome.json"))
    }

    /// The end of the supervisor's own log, for when there is no outcome.
    #[must_use]
    pub fn last_words(&self) -> String {
        let log = fs::read(self.log()).unwrap_or_default();
        let begin = log.len().saturating_sub(2000);
        String::from_utf8_lossy(&log[begin..]).trim().to_owned()
    }

    /// Removes everything, the control group too unless a process is left in it.
    ///
    /// # Errors
    /// When removing fails. A missing directory is not an error.
    pub fn remove(&self) -> io::Result<()> {
        if let Some(Err(error)) = self.group().map(|group| group.remove()) {
            tracing::warn!(%error, "the control group of a run cannot be removed");
        }
        let mut removed = remove_tree(&self.path);
        for _ in 0..REMOVALS {
            match removed {
                Err(ref error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
                    removed = remove_tree(&self.path)
                }
                _ => break,
            }
        }
        removed
    }
}

/// A new file of mode 0600.
///
/// # Errors
/// When it exists or cannot be made.
pub(crate) fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Written beside, then renamed: readers see all of it or nothing.
fn write_json(directory: &Path, name: &str, value: &impl Serialize) -> io::Result<File> {
    persist(written_beside(directory, value)?, directory, name)
}

/// The same, and there even when power fails: made durable before it is renamed, and the name after.
fn write_durable_json(directory: &Path, name: &str, value: &impl Serialize) -> io::Result<()> {
    let file = written_beside(directory, value)?;
    file.as_file().sync_all()?;
    persist(file, directory, name)?;
    File::open(directory)?.sync_all()
}

fn written_beside(directory: &Path, value: &impl Serialize) -> io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(directory)?;
    file.write_all(&serde_json::to_vec(value)?)?;
    Ok(file)
}

fn persist(file: NamedTempFile, directory: &Path, name: &str) -> io::Result<File> {
    file.persist(directory.join(name)).map_err(|error| error.error)
}

fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => Ok(Some(serde_json::from_slice(&other?)?)),
    }
}
