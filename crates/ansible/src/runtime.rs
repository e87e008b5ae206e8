//! Where secrets lie while a run needs them: a directory that never reaches a disk.

use std::path::{Path, PathBuf};

/// Linux's number for tmpfs, from `statfs(2)`.
const TMPFS_MAGIC: u64 = 0x0102_1994;

/// Is the file system of this path kept in memory?
#[must_use]
pub fn is_tmpfs(path: &Path) -> bool {
    rustix::fs::statfs(path).is_ok_and(|found| u64::try_from(found.f_type) == Ok(TMPFS_MAGIC))
}

/// Is this path on a tmpfs with so many bytes left?
#[must_use]
pub fn has_memory(path: &Path, bytes: u64) -> bool {
    let left = rustix::fs::statvfs(path).map_or(0, |found| found.f_bavail.saturating_mul(found.f_frsize));
    is_tmpfs(path) && left >= bytes
}

/// The directory to use when no setting names one: below /dev/shm where that is a tmpfs, otherwise below the
/// directory for temporary files. It carries the user's number, because /dev/shm is shared.
#[must_use]
pub fn default_directory() -> PathBuf {
    let shared_memory = Path::new("/dev/shm");
    let parent = if is_tmpfs(shared_memory) { shared_memory.to_owned() } else { std::env::temp_dir() };
    parent.join(format!("rangehand-{}", rustix::process::geteuid().as_raw()))
}
