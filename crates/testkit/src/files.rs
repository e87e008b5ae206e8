//! Files of a test.

use std::{
    fs,
    io::Read,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

/// Copies a tree, links and modes included.
///
/// # Panics
///
/// If the target cannot be written.
pub fn copy(source: &Path, target: &Path) {
    fs::create_dir_all(target).expect("writable");
    for entry in fs::read_dir(source).expect("readable") {
        let entry = entry.expect("readable");
        let (from, to) = (entry.path(), target.join(entry.file_name()));
        let kind = entry.file_type().expect("readable");
        if kind.is_dir() {
            copy(&from, &to);
        } else if kind.is_symlink() {
            symlink(fs::read_link(&from).expect("a link"), &to).expect("writable");
        } else {
            fs::copy(&from, &to).expect("writable");
        }
    }
}

/// The paths in a directory; none if it is missing.
pub(crate) fn entries(directory: &Path) -> Vec<PathBuf> {
    let found = fs::read_dir(directory).into_iter().flatten().flatten();
    found.map(|entry| entry.path()).collect()
}

/// 32 random hexadecimal digits.
///
/// # Panics
///
/// If the machine has no random bytes.
#[must_use]
pub fn generated_secret() -> String {
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .expect("random bytes");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
