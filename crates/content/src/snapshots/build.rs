//! Updates a directory so that it matches a listing, from empty or from an earlier state.
//!
//! Exact permission bits, times to the nanosecond, links as they are written, owners where the service is root. Large files
//! are cloned where the file system shares blocks, holes stay holes.

use std::{
    collections::{BTreeSet, HashMap},
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::{
        fd::AsFd,
        unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, OFlags, SeekFrom, Timespec, Timestamps, UTIME_OMIT, utimensat},
    io::Errno,
};

use super::{
    manifest::{Entry, Kind, Time, by_path},
    walk::Listing,
};

/// Up to this size a file is read and written in one go, which costs the fewest system calls.
const SMALL: u64 = 64 * 1024;
/// How often a file that is written while it is copied is copied again.
const ATTEMPTS: usize = 5;

/// What there was before.
#[derive(Debug)]
pub(crate) enum Previous<'a> {
    /// Nothing.
    None,
    /// The directory itself, with these entries.
    InPlace(&'a [Entry]),
    /// Another directory whose unchanged files are shared; neither is ever written to.
    Separate(&'a Path, &'a [Entry]),
}

/// How the links of a listing are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// As they are written.
    AsWritten,
    /// Absolute ones as relative ones, since the place is another.
    Relative,
}

/// Makes `target`, an existing directory, hold the listing; what could not be had is left out.
pub(crate) fn build(
    target: &Path,
    listing: &mut Listing,
    previous: &Previous<'_>,
    links: Links,
) -> io::Result<()> {
    let mut gone: Vec<(PathBuf, String)> = Vec::new();
    let mut changed: Vec<(usize, Entry)> = Vec::new();
    {
        let known = match previous {
            Previous::None => HashMap::new(),
            Previous::InPlace(entries) | Previous::Separate(_, entries) => by_path(entries),
        };
        let mut work = Build { target, links, open: BTreeSet::new(), buffer: Vec::new() };
        if let Previous::InPlace(entries) = previous {
            work.remove(entries, &listing.entries)?;
        }
        for (number, entry) in listing.entries.iter().enumerate() {
            let old = known.get(entry.path.as_path()).copied().filter(|old| entry.is_unchanged(old));
            let kept = match (previous, old) {
                (Previous::InPlace(_), Some(_)) => true,
                (Previous::Separate(from, _), Some(_)) if entry.is_file() => {
                    work.opened(&entry.path)?;
                    fs::hard_link(from.join(&entry.path), target.join(&entry.path)).is_ok()
                }
                _ => false,
            };
            if kept {
                continue;
            }
            match work.make(entry, listing) {
                Ok(Some(seen)) => changed.push((number, seen)),
                Ok(None) => {}
                Err(error) => match reason(&error) {
                    Some(why) => gone.push((entry.path.clone(), why.to_owned())),
                    None => return Err(naming(&entry.path, &error)),
                },
            }
        }
        work.finish(&listing.entries)?;
    }
    for (number, seen) in changed {
        listing.entries[number] = seen;
    }
    listing.left_out.append(&mut gone);
    Ok(())
}

struct Build<'a> {
    target: &'a Path,
    links: Links,
    /// Directories whose mode and times are to be set when everything is in them.
    open: BTreeSet<PathBuf>,
    buffer: Vec<u8>,
}

impl Build<'_> {
    /// Removes what is no more, and what becomes something else.
    fn remove(&mut self, previous: &[Entry], now: &[Entry]) -> io::Result<()> {
        let now = by_path(now);
        for old in previous.iter().rev() {
            let is_kept = now
                .get(old.path.as_path())
                .is_some_and(|entry| entry.is_unchanged(old) || (entry.is_directory() && old.is_directory()));
            if is_kept {
                continue;
            }
            self.opened(&old.path)?;
            let path = self.target.join(&old.path);
            let removed = if old.is_directory() {
                self.open.remove(&old.path);
                fs::set_permissions(&path, Permissions::from_mode(0o700)).and_then(|()| fs::remove_dir(&path))
            } else {
                fs::remove_file(&path)
            };
            removed.map_err(|error| naming(&path, &error))?;
        }
        Ok(())
    }

    /// Makes it possible to write to the directory of an entry.
    fn opened(&mut self, path: &Path) -> io::Result<()> {
        let Some(parent) = path.parent() else { return Ok(()) };
        if self.open.contains(parent) {
            return Ok(());
        }
        fs::set_permissions(self.target.join(parent), Permissions::from_mode(0o700))?;
        self.open.insert(parent.to_owned());
        Ok(())
    }

    /// Creates an entry. Returns the entry as found if it differs from the listing.
    fn make(&mut self, entry: &Entry, listing: &Listing) -> io::Result<Option<Entry>> {
        let path = self.target.join(&entry.path);
        match &entry.kind {
            Kind::Directory => {
                if !entry.path.as_os_str().is_empty() {
                    self.opened(&entry.path)?;
                    match DirBuilder::new().mode(0o700).create(&path) {
                        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                        _ => {}
                    }
                }
                fs::set_permissions(&path, Permissions::from_mode(0o700))?;
                self.open.insert(entry.path.clone());
                Ok(None)
            }
            Kind::Link { text, relative } => {
                self.opened(&entry.path)?;
                let text = match (self.links, relative) {
                    (Links::Relative, Some(relative)) => relative,
                    _ => text,
                };
                symlink(text, &path)?;
                set_owner(&path, entry);
                set_times(&path, entry.modified)?;
                Ok(None)
            }
            Kind::File => {
                self.opened(&entry.path)?;
                self.file(entry, listing, &path)
            }
        }
    }

    fn file(&mut self, entry: &Entry, listing: &Listing, path: &Path) -> io::Result<Option<Entry>> {
        let origin = &listing.origins[entry.origin as usize];
        // Without NONBLOCK, opening what has become a named pipe meanwhile would wait for a writer indefinitely.
        let mut source = File::from(origin.open(&entry.path, OFlags::RDONLY | OFlags::NONBLOCK)?);
        let mut target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let mut seen = source.metadata()?;
        if !seen.is_file() {
            fs::remove_file(path)?;
            return Err(Errno::NOTDIR.into());
        }
        for _ in 0..ATTEMPTS {
            copy(&mut source, &mut target, &seen, &mut self.buffer)?;
            let now = source.metadata()?;
            let same = |a: &fs::Metadata, b: &fs::Metadata| {
                (a.len(), a.mtime(), a.mtime_nsec()) == (b.len(), b.mtime(), b.mtime_nsec())
            };
            if same(&now, &seen) {
                break;
            }
            // It is being written: once more, from the beginning.
            io::Seek::rewind(&mut source)?;
            io::Seek::rewind(&mut target)?;
            target.set_len(0)?;
            seen = now;
        }
        let time = |seconds: i64, nanoseconds: i64| (seconds, u32::try_from(nanoseconds).unwrap_or(0));
        let found = Entry {
            mode: seen.mode() & 0o7777,
            uid: seen.uid(),
            gid: seen.gid(),
            size: seen.len(),
            modified: time(seen.mtime(), seen.mtime_nsec()),
            device: seen.dev(),
            inode: seen.ino(),
            ..entry.clone()
        };
        let is_owned = set_owner(path, &found);
        // What runs with its owner's rights runs with no other's.
        let mode = if is_owned { found.mode } else { found.mode & 0o1777 };
        target.set_permissions(Permissions::from_mode(mode))?;
        set_times(path, found.modified)?;
        // What changed since the walk counts as changed at the next one.
        Ok((found != *entry).then_some(Entry { changed: (0, 0), ..found }))
    }

    /// Sets the modes and times of directories, the innermost first.
    fn finish(&self, entries: &[Entry]) -> io::Result<()> {
        let known = by_path(entries);
        for path in self.open.iter().rev() {
            let Some(entry) = known.get(path.as_path()) else { continue };
            let path = self.target.join(path);
            set_owner(&path, entry);
            fs::set_permissions(&path, Permissions::from_mode(entry.mode))?;
            set_times(&path, entry.modified)?;
        }
        Ok(())
    }
}

/// Copies the content; the target is empty.
fn copy(
    source: &mut File,
    target: &mut File,
    metadata: &fs::Metadata,
    buffer: &mut Vec<u8>,
) -> io::Result<()> {
    if metadata.len() > SMALL {
        if rustix::fs::ioctl_ficlone(target.as_fd(), source.as_fd()).is_ok() {
            return Ok(());
        }
        if metadata.blocks() * 512 < metadata.len() {
            return copy_sparse(source, target, metadata.len());
        }
        return io::copy(source, target).map(drop);
    }
    buffer.clear();
    source.read_to_end(buffer)?;
    target.write_all(buffer)
}

/// Copies what there is between the holes.
fn copy_sparse(source: &mut File, target: &mut File, length: u64) -> io::Result<()> {
    let mut at = 0;
    target.set_len(length)?;
    while at < length {
        let begin = match rustix::fs::seek(&*source, SeekFrom::Data(at)) {
            Ok(begin) => begin,
            Err(Errno::NXIO) => break,
            Err(error) => return Err(error.into()),
        };
        let end = rustix::fs::seek(&*source, SeekFrom::Hole(begin))?;
        io::Seek::seek(source, io::SeekFrom::Start(begin))?;
        io::Seek::seek(target, io::SeekFrom::Start(begin))?;
        io::copy(&mut Read::by_ref(source).take(end - begin), target)?;
        at = end;
    }
    Ok(())
}

/// Sets the owner of the entry if this process can. Returns whether the file has that owner.
pub(crate) fn set_owner(path: &Path, entry: &Entry) -> bool {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    if (entry.uid, entry.gid) == (uid.as_raw(), gid.as_raw()) {
        return true;
    }
    uid.is_root() && std::os::unix::fs::lchown(path, Some(entry.uid), Some(entry.gid)).is_ok()
}

/// Sets when it was modified.
pub(crate) fn set_times(path: &Path, modified: Time) -> io::Result<()> {
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: modified.0, tv_nsec: modified.1.into() },
    };
    Ok(utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// Why a file of the source is not there to be copied, if that is it.
fn reason(error: &io::Error) -> Option<&'static str> {
    match Errno::from_io_error(error)? {
        Errno::NOENT => Some("gone meanwhile"),
        Errno::LOOP | Errno::NOTDIR | Errno::XDEV => Some("replaced meanwhile"),
        Errno::ACCESS | Errno::PERM => Some("not readable by the service"),
        _ => None,
    }
}

fn naming(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
