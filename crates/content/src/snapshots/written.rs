//! The changes that a run made in its content.
//!
//! The run may have left anything there: links, pipes, devices, inaccessible directories, any number of names. So it is read
//! through descriptors that follow no link, below directories that were opened before the run began, only regular files are
//! opened, and the amount is limited.

use std::{
    collections::{BTreeMap, HashMap},
    ffi::OsStr,
    fs::File,
    io,
    mem::MaybeUninit,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, Dir, FileType, OFlags, Stat, fgetxattr, statat};

use super::manifest::{Entry, Time, by_path};
use crate::catalog::Root;

/// Further entries are ignored.
const MOST_ENTRIES: usize = 200_000;
const MAX_DEPTH: usize = 64;

/// What became of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// A regular file was made or changed.
    File { size: u64, mode: u32, modified: Time },
    /// It is not there any more.
    Gone,
}

/// Changes by path, relative to the root of the tree.
pub(crate) type Changes = BTreeMap<PathBuf, Change>;

/// What an upper layer holds; `below` is what there was before it.
pub(crate) fn in_upper(root: &Root, below: &[Entry]) -> io::Result<Changes> {
    let known = by_path(below);
    let mut changes = Changes::new();
    let mut hidden: Vec<PathBuf> = Vec::new();
    visit(root, &mut |path, status, is_opaque| match FileType::from_raw_mode(status.st_mode) {
        FileType::RegularFile => note_file(&mut changes, &known, path, status),
        FileType::CharacterDevice if status.st_rdev == 0 => hidden.push(path.to_owned()),
        FileType::Directory if is_opaque => hidden.push(path.to_owned()),
        _ => {}
    })?;
    for entry in below.iter().filter(|entry| !entry.is_directory()) {
        if hidden.iter().any(|path| entry.path.starts_with(path)) && !changes.contains_key(&entry.path) {
            changes.insert(entry.path.clone(), Change::Gone);
        }
    }
    Ok(changes)
}

/// Whether an upper layer is empty.
pub(crate) fn is_empty(upper: &Root) -> io::Result<bool> {
    let directory = upper.open_plain(Path::new(""), OFlags::RDONLY | OFlags::DIRECTORY)?;
    let names = Dir::new(directory)?.flatten();
    Ok(names.filter(|entry| !matches!(entry.file_name().to_bytes(), b"." | b"..")).count() == 0)
}

/// How a copy differs from what it was made of.
pub(crate) fn in_copy(root: &Root, made_of: &[Entry]) -> io::Result<Changes> {
    let known = by_path(made_of);
    let (mut changes, mut seen) = (Changes::new(), Vec::new());
    visit(root, &mut |path, status, _| {
        seen.push(path.to_owned());
        if FileType::from_raw_mode(status.st_mode) == FileType::RegularFile {
            note_file(&mut changes, &known, path, status);
        }
    })?;
    seen.sort_unstable();
    for entry in made_of.iter().filter(|entry| !entry.is_directory()) {
        if seen.binary_search(&entry.path).is_err() {
            changes.insert(entry.path.clone(), Change::Gone);
        }
    }
    Ok(changes)
}

fn note_file(changes: &mut Changes, known: &HashMap<&Path, &Entry>, path: &Path, status: &Stat) {
    let modified = (status.st_mtime, u32::try_from(status.st_mtime_nsec).unwrap_or(0));
    let size = status.st_size.unsigned_abs();
    // An overlay takes up what only got other permissions.
    let is_as_before = known
        .get(path)
        .is_some_and(|entry| entry.is_file() && (entry.size, entry.modified) == (size, modified));
    if !is_as_before {
        changes.insert(path.to_owned(), Change::File { size, mode: status.st_mode & 0o7777, modified });
    }
}

/// Shows everything below a root, links not followed; for a directory also whether it hides what is below it.
fn visit(root: &Root, show: &mut dyn FnMut(&Path, &Stat, bool)) -> io::Result<()> {
    let mut waiting = vec![(PathBuf::new(), 0)];
    let mut left = MOST_ENTRIES;
    while let Some((path, depth)) = waiting.pop() {
        // What cannot be read is as good as not written.
        let Ok(directory) = root.open_plain(&path, OFlags::RDONLY | OFlags::DIRECTORY) else { continue };
        let Ok(mut names) = Dir::new(directory) else { continue };
        let mut found: Vec<Vec<u8>> = Vec::new();
        for entry in names.by_ref() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." && left > 0 {
                left -= 1;
                found.push(name.to_owned());
            }
        }
        for name in found {
            let name = OsStr::from_bytes(&name);
            let Ok(status) = statat(names.fd()?, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            let path = path.join(name);
            let is_directory = FileType::from_raw_mode(status.st_mode) == FileType::Directory;
            show(&path, &status, is_directory && is_opaque(root, &path));
            if is_directory && depth < MAX_DEPTH {
                waiting.push((path, depth + 1));
            }
        }
    }
    Ok(())
}

/// Does an overlay show nothing of what is below this directory?
fn is_opaque(root: &Root, path: &Path) -> bool {
    let Ok(directory) = root.open_plain(path, OFlags::RDONLY | OFlags::DIRECTORY) else { return false };
    ["trusted.overlay.opaque", "user.overlay.opaque"].iter().any(|name| {
        let mut value = [MaybeUninit::<u8>::uninit(); 4];
        fgetxattr(&directory, *name, &mut value).is_ok_and(|(value, _)| value.first() == Some(&b'y'))
    })
}

/// Opens a file that was written, to read it; never waits, never follows a link.
pub(crate) fn open(written: &Root, path: &Path) -> io::Result<File> {
    let file = File::from(written.open_plain(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)?);
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
}
