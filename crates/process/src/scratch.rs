//! Scratch directories of a sandbox, such as `/tmp`: empty when a run begins. Files that remain in them are reported.
//!
//! ```text
//! <runtime>/<short run id>/scratch/<step>/tmp       is /tmp of the sandbox
//!                                         home/ann  is /home/ann
//! ```
//! They are directories of the run rather than file systems of the sandbox, so that the supervisor can inspect them when
//! the sandbox no longer exists. The run sees them at their own paths only: it can't replace one by a link.

use std::{
    fs::DirBuilder,
    io,
    os::unix::{ffi::OsStrExt, fs::DirBuilderExt},
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, FileType, statat};

use crate::untrusted::{UntrustedDirectory, entries_up_to, open_directory};

/// The maximum number of files that are named.
const MAX_NAMED: usize = 10;
/// The maximum number of entries that are read.
const MAX_ENTRIES: usize = 10_000;
/// The maximum depth of directories that are read.
const MAX_DEPTH: usize = 16;
/// Names of what Ansible and other programs leave for themselves, by how they begin.
const CACHES: [&str; 4] = [".ansible", ".cache", "ansible_", "ansible-"];

/// The backing directory of `path` in a sandbox.
pub(crate) fn backing(scratch: &Path, path: &Path) -> PathBuf {
    scratch.join(path.strip_prefix("/").unwrap_or(path))
}

/// Creates the backing directories of these paths.
///
/// # Errors
/// When one can't be created.
pub fn make<'a>(scratch: &Path, paths: impl Iterator<Item = &'a Path>) -> io::Result<()> {
    for path in paths {
        DirBuilder::new().recursive(true).mode(0o700).create(backing(scratch, path))?;
    }
    Ok(())
}

/// Files that a run left in its scratch directories.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Remaining {
    /// The first ones, by their path in the sandbox, and their sizes in bytes.
    pub files: Vec<(PathBuf, u64)>,
    /// How many there are.
    pub total: u64,
    /// How many bytes they have together.
    pub bytes: u64,
    /// Whether there are more entries than were read.
    pub is_partial: bool,
}

/// Counts the files in the scratch directories of all steps. Empty files are not counted: some are mount points for files of the
/// machine.
pub fn left_in(root: &Path) -> Remaining {
    let mut left = Remaining::default();
    let Ok(root) = UntrustedDirectory::open(root) else { return left };
    let Ok(root) = root.directory(Path::new("")) else { return left };
    let mut looked_at = 0;
    for step in UntrustedDirectory::directories(&root) {
        let name = std::ffi::OsStr::from_bytes(step.to_bytes());
        if let Ok(directory) = open_directory(&root, name) {
            look_into(&directory, Path::new("/"), MAX_DEPTH, &mut looked_at, &mut left);
        }
    }
    left
}

fn look_into(
    directory: &std::os::fd::OwnedFd,
    path: &Path,
    depth: usize,
    looked_at: &mut usize,
    left: &mut Remaining,
) {
    // One more than the limit, to detect that there are more.
    let mut entries = entries_up_to(directory, MAX_ENTRIES + 1 - (*looked_at).min(MAX_ENTRIES));
    entries.sort_by(|one, other| one.0.cmp(&other.0));
    for (name, kind) in entries {
        *looked_at += 1;
        let text = std::ffi::OsStr::from_bytes(name.to_bytes());
        if *looked_at > MAX_ENTRIES {
            left.is_partial = true;
            return;
        }
        let is_cache = CACHES.iter().any(|cache| text.as_bytes().starts_with(cache.as_bytes()));
        if is_cache && kind == FileType::Directory {
            continue;
        }
        let path = path.join(text);
        if kind == FileType::Directory && depth == 0 {
            left.is_partial = true;
        } else if kind == FileType::Directory {
            if let Ok(directory) = open_directory(directory, text) {
                look_into(&directory, &path, depth - 1, looked_at, left);
            }
        } else if kind == FileType::RegularFile {
            let found = statat(directory, &*name, AtFlags::SYMLINK_NOFOLLOW);
            let size = found.map_or(0, |found| u64::try_from(found.st_size).unwrap_or(0));
            if size == 0 {
                continue;
            }
            left.total += 1;
            left.bytes = left.bytes.saturating_add(size);
            if left.files.len() < MAX_NAMED {
                left.files.push((path, size));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn files_with_content_are_found_by_their_paths_in_the_sandbox() {
        let directory = tempfile::tempdir().unwrap();
        let (outside, root) = (directory.path().join("outside"), directory.path().join("scratch"));
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("secret"), "x").unwrap();
        let step = root.join("1");
        make(&step, ["/tmp", "/home/ann", "/tmp/nested"].iter().map(Path::new)).unwrap();
        let at = |path: &str| backing(&step, Path::new(path));
        fs::write(at("/tmp/report"), "four").unwrap();
        fs::write(at("/tmp/empty"), "").unwrap();
        fs::create_dir(at("/home/ann/.cache")).unwrap();
        fs::write(at("/home/ann/.cache/x"), "x").unwrap();
        fs::write(at("/home/ann/x"), "xx").unwrap();
        symlink(&outside, at("/tmp/link")).unwrap();
        symlink(&outside, root.join("2")).unwrap();
        let files = vec![("/home/ann/x".into(), 2), ("/tmp/report".into(), 4)];
        assert_eq!(left_in(&root), Remaining { files, total: 2, bytes: 6, is_partial: false });
        assert_eq!(left_in(&directory.path().join("missing")), Remaining::default());
    }

    #[test]
    fn many_files_are_counted_and_few_are_named() {
        let root = tempfile::tempdir().unwrap();
        make(&root.path().join("1"), [Path::new("/tmp")].into_iter()).unwrap();
        for number in 0..25 {
            fs::write(root.path().join(format!("1/tmp/{number}")), "x").unwrap();
        }
        let left = left_in(root.path());
        assert_eq!((left.files.len(), left.total, left.bytes), (MAX_NAMED, 25, 25));
    }

    #[test]
    fn entries_beyond_the_limit_are_detected() {
        let root = tempfile::tempdir().unwrap();
        let tmp = root.path().join("1/tmp");
        fs::create_dir_all(&tmp).unwrap();
        for number in 0..MAX_ENTRIES + 10 {
            fs::write(tmp.join(number.to_string()), "").unwrap();
        }
        assert!(left_in(root.path()).is_partial);
        let deep = tempfile::tempdir().unwrap();
        fs::create_dir_all(deep.path().join("1/tmp").join("d/".repeat(MAX_DEPTH + 4))).unwrap();
        assert!(left_in(deep.path()).is_partial);
    }
}
