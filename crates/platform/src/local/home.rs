//! Where the local platform keeps what: one directory for each range, in it one for each machine.
//!
//! ```text
//! RUN/SERVICE/RANGE/owner                the mark of the range; a directory without it is not Rangehand's
//! RUN/SERVICE/RANGE/fabric               the pin of the namespace in which the bridges are
//! RUN/SERVICE/RANGE/machines/NAME/wanted.json     what the machine is to be
//!                                      /net             the pin of its namespace
//!                                      /init            the number and start time of its first process
//! ```
//!
//! RUN is mounted on itself and shared, so that namespaces of mounts that were made meanwhile let go of what is unpinned here.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rustix::mount::{MountPropagationFlags, UnmountFlags, mount_bind, mount_change, unmount};
use serde::{Serialize, de::DeserializeOwned};

use super::kernel::Failure;
use crate::{error::Error, owner::Owner, wanted::MachineWanted};

const OWNER: &str = "owner";
const WANTED: &str = "wanted.json";
/// The ending of the name of what is not whole.
const PART: &str = ".part";
/// The longest name of a machine, in bytes.
const MAX_NAME: usize = 100;

/// The directory of the platform.
#[derive(Debug, Clone)]
pub(super) struct Home {
    run: PathBuf,
}

/// The directory of a range.
#[derive(Debug, Clone)]
pub(super) struct RangeDir {
    path: PathBuf,
    owner: Owner,
}

/// The directory of a machine.
#[derive(Debug, Clone)]
pub(super) struct MachineDir {
    path: PathBuf,
    name: String,
}

impl Home {
    pub(super) const fn new(run: PathBuf) -> Self {
        Self { run }
    }

    /// Makes the directory, mounted on itself.
    pub(super) fn prepare(&self) -> Result<(), Failure> {
        let failed = |error: io::Error| Failure::new(format!("prepare `{}`", self.run.display()), error);
        fs::create_dir_all(&self.run).map_err(failed)?;
        if is_mounted(&self.run) {
            return Ok(());
        }
        let mount = || {
            mount_bind(&self.run, &self.run)?;
            mount_change(&self.run, MountPropagationFlags::PRIVATE)?;
            mount_change(&self.run, MountPropagationFlags::SHARED)
        };
        mount().map_err(|error| failed(error.into()))
    }

    /// Removes the directory, if there is no range in it.
    pub(super) fn release(&self, service: &str) {
        // Each fails while there is something in it.
        let is_removed = fs::remove_dir(self.run.join(service))
            .map_or_else(|error| error.kind() == io::ErrorKind::NotFound, |()| true);
        if is_removed && fs::read_dir(&self.run).is_ok_and(|mut entries| entries.next().is_none()) {
            let _ = unmount(&self.run, UnmountFlags::DETACH);
            let _ = fs::remove_dir(&self.run);
        }
    }

    pub(super) fn range(&self, owner: &Owner) -> RangeDir {
        let path = self.run.join(owner.service()).join(owner.range());
        RangeDir { path, owner: owner.clone() }
    }
}

impl RangeDir {
    pub(super) const fn owner(&self) -> &Owner {
        &self.owner
    }

    pub(super) fn fabric(&self) -> PathBuf {
        self.file("fabric")
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// All other ranges of all services of this directory.
    pub(super) fn others(&self) -> impl Iterator<Item = Self> {
        let list = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
        let run = self.path.parent().and_then(Path::parent).unwrap_or(&self.path).to_owned();
        let ranges = list(&run).flat_map(move |service| list(&service)).filter(|path| *path != self.path);
        ranges.filter_map(|path| {
            let owner = Owner::parse(&fs::read_to_string(path.join(OWNER)).ok()?)?;
            Some(Self { path, owner })
        })
    }

    /// Is there such a range? What has no mark, or another one, is refused.
    pub(super) fn exists(&self) -> Result<bool, Error> {
        if fs::symlink_metadata(&self.path).is_err() {
            return Ok(false);
        }
        match fs::read_to_string(self.path.join(OWNER)) {
            Ok(mark) if Owner::parse(&mark).as_ref() == Some(&self.owner) => Ok(true),
            _ => Err(foreign(&self.path)),
        }
    }

    /// Makes the directory with its mark in one step.
    pub(super) fn create(&self) -> Result<(), Error> {
        if self.exists()? {
            return Ok(());
        }
        let failed = |error: io::Error| Failure::new(format!("make `{}`", self.path.display()), error);
        let make = || {
            let new = beside(&self.path);
            let _ = fs::remove_dir_all(&new);
            fs::create_dir_all(new.join("machines"))?;
            fs::write(new.join(OWNER), self.owner.to_string())?;
            fs::rename(&new, &self.path)
        };
        Ok(make().map_err(failed)?)
    }

    /// Removes the directory, if there is no machine in it.
    pub(super) fn remove(&self) -> bool {
        match fs::remove_dir(self.path.join("machines")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return false,
            _ => {}
        }
        // In one step: without its mark, the rest would be taken for something foreign.
        self.remove_rest();
        fs::rename(&self.path, beside(&self.path)).is_ok() && self.remove_rest()
    }

    /// Removes what an interrupted removal left of the directory.
    pub(super) fn remove_rest(&self) -> bool {
        fs::remove_dir_all(beside(&self.path)).is_ok()
    }

    /// What an interrupted removal left of the directory.
    pub(super) fn rest(&self) -> Option<PathBuf> {
        Some(beside(&self.path)).filter(|rest| rest.exists())
    }

    pub(super) fn machine(&self, name: &str) -> Result<MachineDir, Error> {
        let is_valid = (1..=MAX_NAME).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            && !name.starts_with('.');
        if !is_valid {
            let what = format!("`{}` is not a valid name of a machine", name.escape_debug());
            return Err(Error::refused_with(what, "use up to 100 letters, digits, `-`, `_` and `.`"));
        }
        Ok(MachineDir { path: self.path.join("machines").join(name), name: name.to_owned() })
    }

    /// All machines that there are, whole or not.
    pub(super) fn machines(&self) -> Vec<MachineDir> {
        let entries = fs::read_dir(self.path.join("machines")).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut machines: Vec<_> = names.filter_map(|name| self.machine(&name).ok()).collect();
        machines.sort_by(|a, b| a.name.cmp(&b.name));
        machines
    }

    /// Directories of machines whose making or removal was interrupted in its last step, with the names of the machines.
    pub(super) fn interrupted(&self) -> Vec<(String, PathBuf)> {
        let entries = fs::read_dir(self.path.join("machines")).into_iter().flatten().flatten();
        let part = |entry: fs::DirEntry| {
            let name = entry.file_name().into_string().ok()?;
            Some((name.strip_prefix('.')?.strip_suffix(PART)?.to_owned(), entry.path()))
        };
        entries.filter_map(part).collect()
    }
}

impl MachineDir {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(super) fn net(&self) -> PathBuf {
        self.file("net")
    }

    /// What the machine is to be; `None` if there is none. What has no record is refused.
    pub(super) fn wanted(&self) -> Result<Option<MachineWanted>, Error> {
        if fs::symlink_metadata(&self.path).is_err() {
            return Ok(None);
        }
        self.read(WANTED).map(Some).ok_or_else(|| foreign(&self.path))
    }

    /// Keeps what the machine is to be; a new one appears with it in one step.
    pub(super) fn keep(&self, wanted: &MachineWanted) -> Result<(), Error> {
        if self.path.exists() {
            return self.write(WANTED, wanted);
        }
        let new = beside(&self.path);
        let failed = |error: io::Error| Failure::new(format!("make `{}`", self.path.display()), error);
        let make = || {
            let _ = fs::remove_dir_all(&new);
            fs::create_dir(&new)?;
            fs::write(new.join(WANTED), serde_json::to_vec(wanted)?)?;
            fs::rename(&new, &self.path)
        };
        Ok(make().map_err(failed)?)
    }

    /// Reads a record of the machine.
    pub(super) fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_slice(&fs::read(self.file(name)).ok()?).ok()
    }

    /// Replaces a record of the machine.
    pub(super) fn write(&self, name: &str, record: &impl Serialize) -> Result<(), Error> {
        let path = self.file(name);
        let failed = |error: io::Error| Failure::new(format!("write `{}`", path.display()), error);
        let write = || {
            let new = beside(&path);
            fs::write(&new, serde_json::to_vec(record)?)?;
            fs::rename(&new, &path)
        };
        Ok(write().map_err(failed)?)
    }

    /// Removes a record of the machine.
    pub(super) fn forget(&self, name: &str) {
        let _ = fs::remove_file(self.file(name));
    }

    /// Removes the directory; the record last, so that an interrupted removal is not taken for something foreign.
    pub(super) fn remove(&self) -> Result<(), Error> {
        let failed = |error: io::Error| Failure::new(format!("remove `{}`", self.path.display()), error);
        let new = beside(&self.path);
        match fs::rename(&self.path, &new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error).into()),
            _ => {}
        }
        match fs::remove_dir_all(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error).into()),
            _ => Ok(()),
        }
    }
}

/// A hidden name beside a path, for what is not whole yet or any more.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}{PART}"))
}

fn foreign(path: &Path) -> Error {
    let what = format!("`{}` was not made by Rangehand", path.display());
    Error::refused_with(what, "remove it; Rangehand changes only what carries its mark")
}

/// Is something mounted exactly there?
fn is_mounted(path: &Path) -> bool {
    let Ok(path) = path.canonicalize() else { return false };
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    mounts.lines().any(|line| line.split(' ').nth(4).is_some_and(|at| Path::new(at) == path))
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        use rustix::io::Errno;
        let what = format!("{failure}: {}", failure.error);
        match Errno::from_io_error(&failure.error) {
            Some(Errno::PERM | Errno::ACCESS) => {
                Self::refused_with(what, "`rangehand doctor` says what the local platform needs")
            }
            Some(
                Errno::AGAIN
                | Errno::BUSY
                | Errno::INTR
                | Errno::MFILE
                | Errno::NFILE
                | Errno::NOBUFS
                | Errno::NOMEM
                | Errno::NOSPC
                | Errno::TIMEDOUT,
            ) => Self::retry(what),
            Some(Errno::XFULL) => {
                Self::refused_with(what, "a bridge has at most 1,023 ports: use more networks")
            }
            _ => Self::refused(what),
        }
    }
}
