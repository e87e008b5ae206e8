//! Access to files that a run can change, from outside of the run.
//!
//! The supervisor and the service aren't in the sandbox. A run that replaces one of its directories by a symbolic link, or
//! one of its files by a FIFO or a device, must not make them delete, read, or wait for something outside. So nothing here
//! follows a link, blocks, or reads anything but a regular file of limited size: directories are opened once, before the
//! run begins, and everything else relative to them, one component at a time.

use std::{
    ffi::{CStr, OsStr},
    fs::{self, File, Permissions},
    io::{self, Read},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::{ffi::OsStrExt, fs::PermissionsExt},
    },
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, fstat, lstat, openat, statat, unlinkat},
    io::Errno,
};

/// A directory that a run can write, held open since before the run began.
#[derive(Debug)]
pub struct UntrustedDirectory {
    path: PathBuf,
    directory: OwnedFd,
}

impl UntrustedDirectory {
    /// Opens the directory, which must not be a link.
    ///
    /// # Errors
    /// When it does not exist or is not a directory.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), directory: open_directory(&CWD, path.as_os_str())? })
    }

    /// Whether the path still leads to this directory, rather than to what the run put in its place. The answer lasts as
    /// long as no process of the run is left.
    pub fn is_in_place(&self) -> bool {
        let same = fstat(&self.directory).and_then(|held| Ok((held, lstat(&self.path)?)));
        same.is_ok_and(|(held, found)| (held.st_dev, held.st_ino) == (found.st_dev, found.st_ino))
    }

    /// Opens a directory below this one.
    ///
    /// # Errors
    /// When a component is missing, or is anything but a directory.
    pub fn directory(&self, relative: &Path) -> io::Result<OwnedFd> {
        let mut directory = self.directory.try_clone()?;
        for component in relative.components() {
            let Component::Normal(name) = component else { return Err(io::ErrorKind::InvalidInput.into()) };
            directory = open_directory(&directory, name)?;
        }
        Ok(directory)
    }

    /// Removes the regular files of one directory whose name is accepted. What cannot be removed stays.
    pub fn remove_files(directory: &OwnedFd, accepts: impl Fn(&[u8]) -> bool) {
        for (name, kind) in entries(directory) {
            if kind == FileType::RegularFile && accepts(name.to_bytes()) {
                let _ = unlinkat(directory, &*name, AtFlags::empty());
            }
        }
    }

    /// The names of the directories in a directory.
    pub fn directories(directory: &OwnedFd) -> impl Iterator<Item = std::ffi::CString> {
        entries(directory).into_iter().filter(|(_, kind)| *kind == FileType::Directory).map(|(name, _)| name)
    }
}

/// Opens a directory in another one; never through a link.
pub(crate) fn open_directory(parent: &impl std::os::fd::AsFd, name: &OsStr) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(parent, name, flags, Mode::empty())?)
}

/// The entries of a directory with their types; what cannot be read is left out.
fn entries(directory: &OwnedFd) -> Vec<(std::ffi::CString, FileType)> {
    entries_up_to(directory, usize::MAX)
}

/// The first `most` entries of a directory with their types: a run may have made millions.
pub(crate) fn entries_up_to(directory: &OwnedFd, most: usize) -> Vec<(std::ffi::CString, FileType)> {
    let Ok(listing) = Dir::read_from(directory) else { return Vec::new() };
    let listing = listing
        .take(most.saturating_add(2))
        .flatten()
        .filter(|entry| !matches!(entry.file_name().to_bytes(), b"." | b".."));
    let kind = |name: &CStr| {
        let found = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Some(FileType::from_raw_mode(found.st_mode))
    };
    listing.filter_map(|entry| Some((entry.file_name().to_owned(), kind(entry.file_name())?))).collect()
}

/// Reads a regular file of at most `limit` bytes without waiting; the last component of the path is not followed.
///
/// # Errors
/// When it cannot be opened, is no regular file, or is larger.
pub fn read_file(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    // Without NONBLOCK, opening a FIFO waits for a writer.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(openat(CWD, path, flags, Mode::empty())?);
    let found = file.metadata()?;
    if !found.is_file() || found.len() > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not a regular file of an expected size"));
    }
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Removes a directory tree; a missing one is not an error. No link is followed, and directories that a run has made
/// unwritable for their owner are made writable first.
///
/// # Errors
/// The first error other than a missing entry.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    let removed = match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            make_removable(&CWD, path.as_os_str())?;
            fs::remove_dir_all(path)
        }
        // It is not a directory.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => fs::remove_file(path),
        other => other,
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn make_removable(parent: &impl std::os::fd::AsFd, name: &OsStr) -> io::Result<()> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let pinned = match openat(parent, name, flags, Mode::empty()) {
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(()),
        other => other?,
    };
    // The mode may forbid opening it for reading; by this name it is this directory and no other.
    fs::set_permissions(format!("/proc/self/fd/{}", pinned.as_raw_fd()), Permissions::from_mode(0o700))?;
    let directory = open_directory(&pinned, OsStr::new("."))?;
    for name in UntrustedDirectory::directories(&directory) {
        make_removable(&directory, OsStr::from_bytes(name.to_bytes()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use rustix::fs::{Mode, mkfifoat};

    use super::*;

    #[test]
    fn files_are_removed_below_the_directory_and_never_through_a_link() {
        let run = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("kept.json"), "").unwrap();
        fs::create_dir_all(run.path().join("artifacts/real")).unwrap();
        fs::write(run.path().join("artifacts/real/1.json"), "").unwrap();
        symlink(outside.path(), run.path().join("artifacts/linked")).unwrap();
        symlink(outside.path().join("kept.json"), run.path().join("artifacts/real/2.json")).unwrap();

        let held = UntrustedDirectory::open(run.path()).unwrap();
        assert!(held.directory(Path::new("artifacts/linked")).is_err());
        assert!(held.directory(Path::new("../artifacts")).is_err());
        let real = held.directory(Path::new("artifacts/real")).unwrap();
        UntrustedDirectory::remove_files(&real, |name| name.ends_with(b".json"));
        assert!(!run.path().join("artifacts/real/1.json").exists());
        assert!(outside.path().join("kept.json").exists());
    }

    #[test]
    fn a_directory_that_was_replaced_is_noticed() {
        let run = tempfile::tempdir().unwrap();
        let own = run.path().join("own");
        fs::create_dir(&own).unwrap();
        let held = UntrustedDirectory::open(&own).unwrap();
        assert!(held.is_in_place());
        fs::rename(&own, run.path().join("other")).unwrap();
        assert!(!held.is_in_place());
        symlink(run.path().join("other"), &own).unwrap();
        assert!(!held.is_in_place(), "a link to it is not it");
        assert!(UntrustedDirectory::open(&own).is_err());
    }

    #[test]
    fn only_a_regular_file_of_limited_size_is_read_and_nothing_is_waited_for() {
        let run = tempfile::tempdir().unwrap();
        let at = |name: &str| run.path().join(name);
        fs::write(at("file"), "12345").unwrap();
        symlink(at("file"), at("link")).unwrap();
        mkfifoat(CWD, at("fifo"), Mode::RUSR | Mode::WUSR).unwrap();
        assert_eq!(read_file(&at("file"), 5).unwrap(), b"12345");
        for (name, limit) in [("file", 4), ("link", 9), ("fifo", 9), (".", 9), ("missing", 9)] {
            assert!(read_file(&at(name), limit).is_err(), "{name}");
        }
        assert!(read_file(Path::new("/dev/zero"), 9).is_err());
    }

    #[test]
    fn a_tree_with_closed_directories_is_removed_and_modes_outside_stay() {
        let (run, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let closed = run.path().join("tree/closed");
        fs::create_dir_all(closed.join("inner")).unwrap();
        symlink(outside.path(), run.path().join("tree/link")).unwrap();
        fs::set_permissions(outside.path(), Permissions::from_mode(0o711)).unwrap();
        fs::set_permissions(&closed, Permissions::from_mode(0o0)).unwrap();
        make_removable(&CWD, run.path().join("tree").as_os_str()).unwrap();
        assert_eq!(fs::metadata(&closed).unwrap().permissions().mode() & 0o777, 0o700);
        remove_tree(&run.path().join("tree")).unwrap();
        assert!(!run.path().join("tree").exists());
        assert_eq!(fs::metadata(outside.path()).unwrap().permissions().mode() & 0o777, 0o711);
    }
}
