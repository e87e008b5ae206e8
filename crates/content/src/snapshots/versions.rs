//! Directories that never change once they are published: `<directory>/<number>/`. The highest number is the current version.
//!
//! ```text
//! <directory>/lock          held exclusively by the process that makes or removes a version
//! <directory>/.new-...      one that is being made or removed; after a crash, removed by the next that holds the lock
//! <directory>/<n>/lock      held shared by each run that uses the version
//! <directory>/<n>/...       what it holds
//! ```
//! A version is renamed to its number when it is complete, so a crash at any moment leaves either all of it or nothing.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use process::untrusted::remove_tree;
use rustix::{fs::FlockOperation, io::Errno};

/// The versions in one directory.
#[derive(Debug)]
pub(crate) struct Versions {
    directory: PathBuf,
}

/// A version in use: it is not removed as long as this exists.
#[derive(Debug)]
pub(crate) struct Version {
    /// Where it is.
    pub(crate) path: PathBuf,
    number: u64,
    lock: File,
}

/// The right to make and to remove versions.
#[derive(Debug)]
pub(crate) struct NewVersion<'a> {
    versions: &'a Versions,
    /// The highest number that there was: it is not used again for what is made of that version.
    highest: u64,
    _lock: File,
}

impl Versions {
    /// Those in `directory`, which is made if it is not there.
    pub(crate) fn open(directory: PathBuf) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        Ok(Self { directory })
    }

    /// The newest version, held.
    pub(crate) fn current(&self) -> io::Result<Option<Version>> {
        // If the version is removed between listing and locking, there is a newer one.
        while let Some(number) = self.numbers()?.into_iter().max() {
            if let Some(version) = self.hold(number)? {
                return Ok(Some(version));
            }
        }
        Ok(None)
    }

    fn hold(&self, number: u64) -> io::Result<Option<Version>> {
        let path = self.directory.join(number.to_string());
        let lock = match File::open(path.join("lock")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.gone(&path),
            other => other?,
        };
        loop {
            match rustix::fs::flock(&lock, FlockOperation::LockShared) {
                Err(Errno::INTR) => {}
                other => break other?,
            }
        }
        let is_there = fs::metadata(path.join("lock")).is_ok_and(|found| {
            lock.metadata().is_ok_and(|held| (held.dev(), held.ino()) == (found.dev(), found.ino()))
        });
        Ok(is_there.then_some(Version { path, number, lock }))
    }

    /// A directory with a number and no lock was made by something else; it must not be found again.
    fn gone(&self, path: &Path) -> io::Result<Option<Version>> {
        if path.exists() {
            remove_tree(path)?;
        }
        Ok(None)
    }

    /// Waits for its turn; what a crash left half-made is removed.
    pub(crate) fn lock(&self) -> io::Result<NewVersion<'_>> {
        let path = self.directory.join("lock");
        let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        loop {
            match rustix::fs::flock(&lock, FlockOperation::LockExclusive) {
                Err(Errno::INTR) => {}
                other => break other?,
            }
        }
        let highest = self.numbers()?.into_iter().max().unwrap_or(0);
        let making = NewVersion { versions: self, highest, _lock: lock };
        for entry in fs::read_dir(&self.directory)?.flatten() {
            if entry.file_name().as_encoded_bytes().starts_with(b".new-") {
                remove_tree(&entry.path())?;
            }
        }
        Ok(making)
    }

    fn numbers(&self) -> io::Result<Vec<u64>> {
        let entries = fs::read_dir(&self.directory)?;
        Ok(entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
    }

    /// Removes what no run holds, but for the newest; with `all` that one, too.
    pub(crate) fn prune(&self, all: bool) -> io::Result<usize> {
        let making = self.lock()?;
        let mut numbers = self.numbers()?;
        numbers.sort_unstable();
        if !all {
            numbers.pop();
        }
        let mut removed = 0;
        for number in numbers {
            if let Some(path) = making.take(number)? {
                remove_tree(&path)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// When a run last used a version, as far as known.
    pub(crate) fn used(&self) -> Option<std::time::SystemTime> {
        fs::metadata(self.directory.join("lock")).and_then(|found| found.modified()).ok()
    }

    /// Remembers that it is in use.
    pub(crate) fn touch(&self) {
        if let Ok(file) =
            OpenOptions::new().create(true).append(true).mode(0o600).open(self.directory.join("lock"))
        {
            // It only keeps the content from being forgotten.
            let _ = file.set_modified(std::time::SystemTime::now());
        }
    }
}

impl NewVersion<'_> {
    /// A place to make a version in.
    pub(crate) fn begin(&self) -> io::Result<PathBuf> {
        let path = self.versions.directory.join(format!(".new-{}", std::process::id()));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(path)
    }

    /// Takes a version that no run holds out of its place, to change or to remove it; `None` when one does.
    pub(crate) fn take(&self, number: u64) -> io::Result<Option<PathBuf>> {
        let path = self.versions.directory.join(number.to_string());
        let Ok(lock) = File::open(path.join("lock")) else { return Ok(None) };
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => return Ok(None),
            other => other?,
        }
        self.move_out(&path, number).map(Some)
    }

    fn move_out(&self, path: &Path, number: u64) -> io::Result<PathBuf> {
        let taken = self.versions.directory.join(format!(".new-{}-{number}", std::process::id()));
        fs::rename(path, &taken)?;
        fs::remove_file(taken.join("lock"))?;
        Ok(taken)
    }

    /// The same with a version that is held here, if no other process holds it; otherwise it is returned.
    pub(crate) fn take_held(&self, version: Version) -> io::Result<Result<PathBuf, Version>> {
        // A conversion that fails has lost the shared lock on the way.
        match rustix::fs::flock(&version.lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => self.move_out(&version.path, version.number).map(Ok),
            Err(Errno::WOULDBLOCK) => {
                rustix::fs::flock(&version.lock, FlockOperation::LockShared)?;
                Ok(Err(version))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Publishes a finished directory as the newest version, and returns that version, held.
    pub(crate) fn publish(&self, made: &Path) -> io::Result<Version> {
        let lock =
            OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(made.join("lock"))?;
        rustix::fs::flock(&lock, FlockOperation::NonBlockingLockShared)?;
        let number = self.versions.numbers()?.into_iter().fold(self.highest, u64::max) + 1;
        let path = self.versions.directory.join(number.to_string());
        fs::rename(made, &path)?;
        Ok(Version { path, number, lock })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_in_use_stays_and_what_was_half_made_goes() {
        let directory = tempfile::tempdir().expect("a directory");
        let versions = Versions::open(directory.path().join("a")).expect("made");
        assert!(versions.current().expect("readable").is_none());
        let making = versions.lock().expect("free");
        let first = making.publish(&making.begin().expect("made")).expect("published");
        let second = making.publish(&making.begin().expect("made")).expect("published");
        making.begin().expect("made");
        drop(making);
        assert_eq!(versions.current().expect("readable").expect("one").path, second.path);
        assert_eq!(versions.prune(true).expect("possible"), 0);
        assert!(
            first.path.exists()
                && !fs::exists(directory.path().join("a").join(format!(".new-{}", std::process::id())))
                    .expect("readable")
        );
        drop(first);
        assert_eq!(versions.prune(false).expect("possible"), 1);
        assert!(second.path.exists());
    }
}
