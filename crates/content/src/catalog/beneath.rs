//! Opens files below a directory, and never one outside of it.
//!
//! The kernel does it in one step: `openat2` with `RESOLVE_BENEATH` refuses every path that leaves the root, even if files are
//! renamed or replaced meanwhile. It also refuses links that return into the root, by an absolute target or through a parent of
//! the root. For those, and for kernels without `openat2` (before Linux 5.6, or hidden by a seccomp filter), there is a
//! fallback: resolve the path to its canonical form, require the root as its prefix, and open that form from the root's
//! descriptor, one component at a time, without following links. If a component is replaced by a link after the check,
//! opening it is an error.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, Read},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Component, Path, PathBuf},
    sync::OnceLock,
};

use rustix::{
    fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, openat, openat2, statat},
    io::Errno,
};

/// Why something below a root was not opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The path, relative to the root, leads out of it.
    #[error("`{}` leads out of its root: only what is below the root may be opened", .0.display())]
    Leaves(PathBuf),
    /// The file system refused.
    #[error("cannot open `{}`", .path.display())]
    Io {
        /// The path relative to the root, or the root itself.
        path: PathBuf,
        /// The refusal.
        #[source]
        source: io::Error,
    },
}

impl Error {
    fn new(path: &Path, source: impl Into<io::Error>) -> Self {
        Self::Io { path: path.to_owned(), source: source.into() }
    }

    /// Whether the error means that the path does not exist.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        let Self::Io { source, .. } = self else { return false };
        matches!(
            Errno::from_io_error(source),
            Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG)
        )
    }
}

/// Which of the two ways is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    /// `openat2`, and the other way for links that it refuses.
    Kernel,
    /// The canonical path, walked without following links.
    Canonical,
}

impl Opening {
    /// The method that this kernel and its filters support, checked once.
    pub(super) fn offered() -> Self {
        static OFFERED: OnceLock<Opening> = OnceLock::new();
        *OFFERED.get_or_init(|| {
            match openat2(CWD, ".", OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), RESOLVE) {
                Err(Errno::NOSYS | Errno::PERM) => Self::Canonical,
                Ok(_) | Err(_) => Self::Kernel,
            }
        })
    }
}

/// What the kernel must keep to. `/proc`'s magic links jump anywhere, so they are no way either.
const RESOLVE: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_MAGICLINKS);

/// How often an `openat2` that lost a race against a rename is repeated before the second way is taken.
const RACES: usize = 16;

/// A directory held open, below which files are opened by relative path.
#[derive(Debug)]
pub struct Root {
    directory: OwnedFd,
    path: PathBuf,
    opening: Opening,
    /// Directories elsewhere that links may lead to, by their canonical paths.
    targets: Vec<(PathBuf, OwnedFd)>,
}

impl Root {
    /// Opens a directory as root; links on the way to it are followed.
    ///
    /// # Errors
    /// When it does not exist, is no directory or may not be searched.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::open_by(path, Opening::offered())
    }

    pub(super) fn open_by(path: &Path, opening: Opening) -> Result<Self, Error> {
        let canonical = path.canonicalize().map_err(|e| Error::new(path, e))?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = openat(CWD, &canonical, flags, Mode::empty()).map_err(|e| Error::new(path, e))?;
        Ok(Self { directory, path: canonical, opening, targets: Vec::new() })
    }

    /// The same root, from which links may also lead to what is below these directories. One that is not there is no target.
    #[must_use]
    pub fn with_targets(mut self, targets: &[PathBuf]) -> Self {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let open = |path: &PathBuf| {
            let canonical = path.canonicalize().ok()?;
            let directory = openat(CWD, &canonical, flags, Mode::empty()).ok()?;
            Some((canonical, directory))
        };
        self.targets = targets.iter().filter_map(open).collect();
        self
    }

    /// The canonical path that the root had when it was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a file or a directory below the root for reading; never waits for a pipe's other end.
    ///
    /// # Errors
    /// [`Error::Leaves`] when the path is absolute or leads out of the root, [`Error::Io`] otherwise.
    pub fn open_beneath(&self, relative: &Path) -> Result<OwnedFd, Error> {
        self.open_with(relative, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)
    }

    /// What a path below the root is, links followed.
    pub(crate) fn status(&self, relative: &Path) -> Result<Stat, Error> {
        let file = self.open_with(relative, OFlags::PATH)?;
        fstat(&file).map_err(|e| Error::new(relative, e))
    }

    pub(crate) fn is_file(&self, relative: &Path) -> bool {
        self.status(relative).is_ok_and(|status| file_type(&status) == FileType::RegularFile)
    }

    pub(crate) fn is_directory(&self, relative: &Path) -> bool {
        self.status(relative).is_ok_and(|status| file_type(&status) == FileType::Directory)
    }

    /// The names in a directory below the root, sorted, each with its type; links are not followed.
    pub(crate) fn entries(&self, directory: &Path) -> Result<Vec<(OsString, FileType)>, Error> {
        let opened = self.open_beneath(directory)?;
        let fail = |e: Errno| Error::new(directory, e);
        let mut entries = Vec::new();
        for entry in Dir::read_from(&opened).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            match statat(&opened, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(status) => {
                    entries.push((OsStr::from_bytes(name.to_bytes()).to_owned(), file_type(&status)));
                }
                Err(Errno::NOENT) => {}
                Err(e) => return Err(fail(e)),
            }
        }
        entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Ok(entries)
    }

    /// The text of a regular file of at most `limit` bytes; `None` when it is anything else.
    pub(crate) fn read(&self, relative: &Path, limit: u64) -> Result<Option<String>, Error> {
        let file = File::from(self.open_beneath(relative)?);
        let metadata = file.metadata().map_err(|e| Error::new(relative, e))?;
        if !metadata.is_file() || metadata.len() > limit {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.take(limit).read_to_end(&mut bytes).map_err(|e| Error::new(relative, e))?;
        Ok(String::from_utf8(bytes).ok())
    }

    /// Opens what is below the root at exactly this path: no link is followed, at any place of it.
    pub(crate) fn open_plain(&self, relative: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
        let path = if relative.as_os_str().is_empty() { Path::new(".") } else { relative };
        if self.opening == Opening::Kernel {
            let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let resolve = RESOLVE.union(ResolveFlags::NO_SYMLINKS);
            for _ in 0..RACES {
                match openat2(&self.directory, path, flags, Mode::empty(), resolve) {
                    Err(Errno::AGAIN | Errno::INTR) => {}
                    other => return other,
                }
            }
        }
        walk(self.directory.as_fd(), relative, flags)
    }

    fn open_with(&self, relative: &Path, flags: OFlags) -> Result<OwnedFd, Error> {
        if relative.is_absolute() {
            return Err(Error::Leaves(relative.to_owned()));
        }
        match self.opening {
            Opening::Kernel => self.by_kernel(relative, flags),
            Opening::Canonical => self.by_canonical_path(relative, flags),
        }
    }

    fn by_kernel(&self, relative: &Path, flags: OFlags) -> Result<OwnedFd, Error> {
        let path = if relative.as_os_str().is_empty() { Path::new(".") } else { relative };
        for _ in 0..RACES {
            match openat2(&self.directory, path, flags | OFlags::CLOEXEC, Mode::empty(), RESOLVE) {
                Ok(file) => return Ok(file),
                Err(Errno::AGAIN | Errno::INTR) => {}
                // A way out, or a link that comes back in.
                Err(Errno::XDEV) => break,
                Err(e) => return Err(Error::new(relative, e)),
            }
        }
        self.by_canonical_path(relative, flags)
    }

    fn by_canonical_path(&self, relative: &Path, flags: OFlags) -> Result<OwnedFd, Error> {
        let canonical = self.path.join(relative).canonicalize().map_err(|e| Error::new(relative, e))?;
        let own = std::iter::once((&self.path, &self.directory));
        let all = own.chain(self.targets.iter().map(|(path, directory)| (path, directory)));
        for (path, directory) in all {
            if let Ok(inside) = canonical.strip_prefix(path) {
                return walk(directory.as_fd(), inside, flags).map_err(|e| Error::new(relative, e));
            }
        }
        Err(Error::Leaves(relative.to_owned()))
    }
}

/// Opens `path`, whose components are all plain names, following no link.
fn walk(root: BorrowedFd<'_>, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut names: Vec<&OsStr> = Vec::new();
    for component in path.components() {
        let Component::Normal(name) = component else { return Err(Errno::INVAL) };
        names.push(name);
    }
    let last = names.pop().unwrap_or(OsStr::new("."));
    let mut parent: Option<OwnedFd> = None;
    for name in names {
        let from = parent.as_ref().map_or(root, AsFd::as_fd);
        parent = Some(openat(from, name, step, Mode::empty())?);
    }
    let from = parent.as_ref().map_or(root, AsFd::as_fd);
    let file = openat(from, last, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    // O_PATH with O_NOFOLLOW opens a link itself instead of refusing it.
    if file_type(&fstat(&file)?) == FileType::Symlink { Err(Errno::LOOP) } else { Ok(file) }
}

pub(super) fn file_type(status: &Stat) -> FileType {
    FileType::from_raw_mode(status.st_mode)
}

/// Opens a file or a directory below `root` for reading, by a path relative to it.
///
/// For more than one file, open a [`Root`] once. The descriptor stays below the root whatever happens to the path afterwards.
/// Copies of trees are made through this function.
///
/// # Errors
/// [`Error::Leaves`] when the path is absolute or leads out of the root, [`Error::Io`] otherwise.
pub fn open_beneath(root: &Path, relative: &Path) -> Result<OwnedFd, Error> {
    Root::open(root)?.open_beneath(relative)
}
