//! Lists every file of a tree, fast, without reading any.
//!
//! Each directory is opened by descriptor beneath its root, without following links, so files that are renamed or replaced
//! meanwhile can't lead out of the tree. Links that stay in the tree are kept as links. A link that leaves the tree is followed
//! if its target is a directory that a setting names; the target becomes part of the tree. All other links, dangling links,
//! devices, sockets, and unreadable files are omitted and reported.

use std::{
    ffi::OsStr,
    io,
    mem::MaybeUninit,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
    sync::{Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, SystemTime},
};

use rustix::{
    fs::{AtFlags, FileType, OFlags, RawDir, Stat, fstat, readlinkat, statat},
    io::Errno,
};

use super::manifest::{Entry, Kind, Time};
use crate::{
    catalog::{BeneathError, Root},
    source::Tree,
};

/// Trees deeper than this are no trees of content.
const MAX_DEPTH: usize = 64;
/// More do not pay: what takes time is the kernel's.
const THREADS: usize = 2;
/// Changes within this time before a walk can't be distinguished from later ones: clocks of file systems are coarse.
const TICK: Duration = Duration::from_millis(20);
const BUFFER_BYTES: usize = 32 * 1024;

/// What a walk found.
#[derive(Debug)]
pub(crate) struct Listing {
    /// Sorted by path; the root is the first.
    pub(crate) entries: Vec<Entry>,
    /// Where they are, by [`Entry::origin`].
    pub(crate) origins: Vec<Origin>,
    /// What was left out, with the reason.
    pub(crate) left_out: Vec<(PathBuf, String)>,
    /// What changed since then may change again without a trace.
    pub(crate) recent: Time,
}

/// A directory that entries were found below.
#[derive(Debug)]
pub(crate) struct Origin {
    /// Its place among those of the listing.
    number: u32,
    root: Root,
    /// Where it is in the tree.
    at: PathBuf,
    /// What of the root that is.
    under: PathBuf,
}

impl Origin {
    /// The root of a tree.
    pub(crate) fn of(root: Root) -> Self {
        Self { number: 0, root, at: PathBuf::new(), under: PathBuf::new() }
    }

    /// Where an entry is below the root.
    fn source(&self, path: &Path) -> PathBuf {
        let below = path.strip_prefix(&self.at).unwrap_or(path);
        if below.as_os_str().is_empty() { self.under.clone() } else { self.under.join(below) }
    }

    /// Opens an entry, following no link.
    pub(crate) fn open(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
        self.root.open_plain(&self.source(path), flags)
    }
}

/// Walks the tree. `own` are directories directly below its root that are skipped.
pub(crate) fn walk(tree: &Tree, own: Vec<PathBuf>) -> io::Result<Listing> {
    let root = Root::open(&tree.root).map_err(io::Error::other)?;
    let targets = tree.link_targets.iter().filter_map(|target| target.canonicalize().ok()).collect();
    let recent = SystemTime::now().checked_sub(TICK).unwrap_or(SystemTime::UNIX_EPOCH);
    let recent = recent.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let walk = Walk {
        tree,
        own,
        targets,
        recent: (i64::try_from(recent.as_secs()).unwrap_or(i64::MAX), recent.subsec_nanos()),
        state: Mutex::default(),
        woken: Condvar::new(),
    };
    let whole = root.open_plain(Path::new(""), OFlags::RDONLY | OFlags::DIRECTORY)?;
    let first = walk.entry(PathBuf::new(), Kind::Directory, &fstat(&whole)?, 0);
    drop(whole);
    {
        let mut state = walk.lock();
        state.origins.push(std::sync::Arc::new(Origin::of(root)));
        state.entries.push(first);
        state.waiting.push((0, PathBuf::new()));
    }
    thread::scope(|scope| {
        (1..THREADS).for_each(|_| drop(scope.spawn(|| walk.work())));
        walk.work();
    });
    walk.finish()
}

struct Walk<'a> {
    tree: &'a Tree,
    own: Vec<PathBuf>,
    /// Where links may lead.
    targets: Vec<PathBuf>,
    recent: Time,
    state: Mutex<State>,
    woken: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<(u32, PathBuf)>,
    active: usize,
    origins: Vec<std::sync::Arc<Origin>>,
    entries: Vec<Entry>,
    left_out: Vec<(PathBuf, String)>,
    failure: Option<io::Error>,
}

/// What was found in one directory.
#[derive(Default)]
struct Found {
    entries: Vec<Entry>,
    directories: Vec<(u32, PathBuf)>,
    left_out: Vec<(PathBuf, String)>,
}

impl Walk<'_> {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lists directories until none is left.
    fn work(&self) {
        let mut buffer = vec![MaybeUninit::uninit(); BUFFER_BYTES];
        let mut state = self.lock();
        loop {
            let Some((number, path)) = state.waiting.pop() else {
                if state.active == 0 || state.failure.is_some() {
                    self.woken.notify_all();
                    return;
                }
                state = self.woken.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            state.active += 1;
            let origin = state.origins[number as usize].clone();
            drop(state);
            let mut found = Found::default();
            let looked = self.directory(number, &origin, &path, &mut buffer, &mut found);
            state = self.lock();
            state.active -= 1;
            state.entries.append(&mut found.entries);
            state.left_out.append(&mut found.left_out);
            state.waiting.append(&mut found.directories);
            if let Err(error) = looked {
                state.waiting.clear();
                state.failure = Some(io::Error::new(error.kind(), format!("{}: {error}", path.display())));
            }
            if state.active == 0 || state.waiting.len() > 1 {
                self.woken.notify_all();
            }
        }
    }

    fn directory(
        &self,
        number: u32,
        origin: &Origin,
        path: &Path,
        buffer: &mut [MaybeUninit<u8>],
        found: &mut Found,
    ) -> io::Result<()> {
        let directory = match origin.open(path, OFlags::RDONLY | OFlags::DIRECTORY) {
            Ok(directory) => directory,
            Err(error) => return leave_unreadable(path, error, found),
        };
        let mut names = RawDir::new(&directory, buffer);
        while let Some(entry) = names.next() {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "."
                || name == ".."
                || self.tree.exclude.iter().any(|excluded| name == excluded.as_str())
            {
                continue;
            }
            let path = path.join(name);
            if number == 0 && self.own.contains(&path) {
                continue;
            }
            let status = match statat(&directory, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
                Ok(status) => status,
                Err(error) => {
                    leave_unreadable(&path, error, found)?;
                    continue;
                }
            };
            match FileType::from_raw_mode(status.st_mode) {
                FileType::RegularFile => found.entries.push(self.entry(path, Kind::File, &status, number)),
                FileType::Directory => self.subdirectory(number, path, &status, found),
                FileType::Symlink => self.link(origin, &directory, path, &status, found),
                _ => found.left_out.push((path, "neither file nor directory".to_owned())),
            }
        }
        Ok(())
    }

    fn subdirectory(&self, number: u32, path: PathBuf, status: &Stat, found: &mut Found) {
        if path.components().count() > MAX_DEPTH {
            found.left_out.push((path, "nested too deep".to_owned()));
            return;
        }
        found.entries.push(self.entry(path.clone(), Kind::Directory, status, number));
        found.directories.push((number, path));
    }

    fn link(&self, origin: &Origin, directory: &OwnedFd, path: PathBuf, status: &Stat, found: &mut Found) {
        let source = origin.source(&path);
        let name = path.file_name().unwrap_or_default();
        let Ok(text) = readlinkat(directory, name, Vec::new()) else {
            return found.left_out.push((path, "replaced meanwhile".to_owned()));
        };
        let text = PathBuf::from(OsStr::from_bytes(text.to_bytes()));
        match origin.root.status(&source) {
            Err(BeneathError::Leaves(_)) => self.follow(origin, path, &text, found),
            Err(error) if error.is_absent() => {
                // A link to a place outside may lead nowhere as well.
                found.left_out.push((path, "the link leads nowhere".to_owned()));
            }
            Err(BeneathError::Io { .. }) => {
                found.left_out.push((path, "not readable by the service".to_owned()));
            }
            Ok(_) => match relative_end(&origin.root, &source) {
                Some(end) if end_is_below(&source, &end, &origin.under) => {
                    let relative = text.is_absolute().then_some(end);
                    // What is not at its own place has no absolute links to itself.
                    let text = match &relative {
                        Some(relative) if origin.number != 0 => relative.clone(),
                        _ => text,
                    };
                    found.entries.push(self.entry(
                        path,
                        Kind::Link { text, relative },
                        status,
                        origin.number,
                    ));
                }
                Some(_) => self.follow(origin, path, &text, found),
                None => found.left_out.push((path, "replaced meanwhile".to_owned())),
            },
        }
    }

    /// Takes what a link outside leads to, if it may lead there.
    fn follow(&self, from: &Origin, path: PathBuf, text: &Path, found: &mut Found) {
        let link = from.root.path().join(from.source(&path));
        let Ok(end) = link.canonicalize() else {
            return found.left_out.push((path, "the link leads nowhere".to_owned()));
        };
        let Some(target) = self.targets.iter().find(|target| end.starts_with(target)) else {
            let why = format!(
                "the link leaves the root: it leads to `{}`; the setting `paths.link_targets` names directories that \
                 links may lead to",
                text.display()
            );
            return found.left_out.push((path, why));
        };
        if link.starts_with(&end) || path.components().count() > MAX_DEPTH {
            return found.left_out.push((path, "the link leads to a directory around it".to_owned()));
        }
        let under = end.strip_prefix(target).unwrap_or(Path::new("")).to_owned();
        let opened = Root::open(target).and_then(|root| root.status(&under).map(|status| (root, status)));
        let Ok((root, status)) = opened else {
            return found.left_out.push((path, "not readable by the service".to_owned()));
        };
        let kind = match FileType::from_raw_mode(status.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Directory,
            _ => return found.left_out.push((path, "neither file nor directory".to_owned())),
        };
        let number = {
            let mut state = self.lock();
            let number = u32::try_from(state.origins.len()).unwrap_or(u32::MAX);
            state.origins.push(std::sync::Arc::new(Origin { number, root, at: path.clone(), under }));
            number
        };
        match kind {
            Kind::Directory => self.subdirectory(number, path, &status, found),
            kind => found.entries.push(self.entry(path, kind, &status, number)),
        }
    }

    fn entry(&self, path: PathBuf, kind: Kind, status: &Stat, origin: u32) -> Entry {
        let time = |seconds: i64, nanoseconds: u64| (seconds, u32::try_from(nanoseconds).unwrap_or(0));
        let modified = time(status.st_mtime, status.st_mtime_nsec);
        let changed = time(status.st_ctime, status.st_ctime_nsec);
        // A directory is what is in it: that changes neither its size nor its place.
        let is_file = kind == Kind::File;
        Entry {
            mode: status.st_mode & 0o7777,
            uid: status.st_uid,
            gid: status.st_gid,
            size: if is_file { status.st_size.unsigned_abs() } else { 0 },
            modified,
            changed: if is_file { changed } else { (0, 0) },
            device: if is_file { status.st_dev } else { 0 },
            inode: if is_file { status.st_ino } else { 0 },
            path,
            kind,
            origin,
        }
    }

    fn finish(self) -> io::Result<Listing> {
        let mut state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = state.failure {
            return Err(error);
        }
        // A directory was found before it could not be opened.
        state.entries.retain(|entry| !state.left_out.iter().any(|(path, _)| *path == entry.path));
        // By bytes, which is much faster than by names; a directory comes before what is in it all the same.
        state.entries.sort_unstable_by(|a, b| a.path.as_os_str().cmp(b.path.as_os_str()));
        state.left_out.sort_unstable();
        let origins = state.origins.into_iter().filter_map(std::sync::Arc::into_inner).collect();
        Ok(Listing { entries: state.entries, origins, left_out: state.left_out, recent: self.recent })
    }
}

/// The final target of a link, relative to its directory.
fn relative_end(root: &Root, source: &Path) -> Option<PathBuf> {
    let end = root.path().join(source).canonicalize().ok()?;
    let below = end.strip_prefix(root.path()).ok()?;
    let up: PathBuf = source.parent()?.components().map(|_| "..").collect();
    let path = up.join(below);
    Some(if path.as_os_str().is_empty() { PathBuf::from(".") } else { path })
}

/// Is the end of a link within the part of its root that belongs to the tree?
fn end_is_below(source: &Path, end: &Path, under: &Path) -> bool {
    let up = source.parent().map_or(0, |parent| parent.components().count());
    let below: PathBuf = end.components().skip(up).collect();
    under.as_os_str().is_empty() || end == Path::new(".") || below.starts_with(under)
}

/// Handles errors of files that are removed during the walk, and of files that the service is not allowed to read.
fn leave_unreadable(path: &Path, error: Errno, found: &mut Found) -> io::Result<()> {
    let why = match error {
        Errno::NOENT => "gone meanwhile",
        Errno::LOOP | Errno::NOTDIR | Errno::XDEV => "replaced meanwhile",
        Errno::ACCESS | Errno::PERM => "not readable by the service",
        other => return Err(other.into()),
    };
    found.left_out.push((path.to_owned(), why.to_owned()));
    Ok(())
}
