//! Content of Rangehand itself: playbooks and roles by which ranges are verified, and routers are set up.
//!
//! It is part of the program, and is written to a directory of the node when a service or a worker starts. The name of the
//! directory contains a hash of the content, so programs of different versions don't disturb each other.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use include_dir::{Dir, DirEntry, include_dir};
use sha2::{Digest, Sha256};

static CONTENT: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/bundled");

/// Bytes of the hash in the name of the directory.
const HASH_BYTES: usize = 8;

/// Writes the content to a directory below this one, unless it is there; returns the directory.
///
/// # Errors
/// If it cannot be written.
pub fn install(below: &Path) -> io::Result<PathBuf> {
    let directory = below.join(hash(&CONTENT));
    if is_installed(&CONTENT, &directory) {
        return Ok(directory);
    }
    fs::create_dir_all(below)?;
    let new = tempfile::Builder::new().prefix(".new-").tempdir_in(below)?;
    write(&CONTENT, new.path())?;
    // A directory that was changed is moved away in one step, for programs that read it.
    let old = tempfile::Builder::new().prefix(".old-").tempdir_in(below)?;
    match fs::rename(&directory, old.path().join("content")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    match fs::rename(new.path(), &directory) {
        Ok(()) => drop(new.keep()),
        // Another program was faster.
        Err(_) if is_installed(&CONTENT, &directory) => {}
        Err(error) => return Err(error),
    }
    Ok(directory)
}

fn files<'a>(directory: &'a Dir<'a>) -> impl Iterator<Item = &'a DirEntry<'a>> {
    // Python leaves this behind.
    directory.entries().iter().filter(|entry| !entry.path().ends_with("__pycache__"))
}

fn hash(directory: &Dir<'_>) -> String {
    fn add(directory: &Dir<'_>, hash: &mut Sha256) {
        for entry in files(directory) {
            match entry {
                DirEntry::Dir(inner) => add(inner, hash),
                DirEntry::File(file) => {
                    let path = file.path().to_string_lossy();
                    hash.update(path.len().to_le_bytes());
                    hash.update(path.as_bytes());
                    hash.update(file.contents().len().to_le_bytes());
                    hash.update(file.contents());
                }
            }
        }
    }
    let mut hash = Sha256::new();
    add(directory, &mut hash);
    hash.finalize().iter().take(HASH_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

fn is_installed(directory: &Dir<'_>, place: &Path) -> bool {
    files(directory).all(|entry| match entry {
        DirEntry::Dir(inner) => is_installed(inner, place),
        DirEntry::File(file) => fs::read(place.join(file.path())).is_ok_and(|found| found == file.contents()),
    })
}

fn write(directory: &Dir<'_>, target: &Path) -> io::Result<()> {
    for entry in files(directory) {
        let path = target.join(entry.path());
        match entry {
            DirEntry::Dir(inner) => {
                fs::create_dir_all(path)?;
                write(inner, target)?;
            }
            DirEntry::File(file) => fs::write(path, file.contents())?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_installed_once_and_again_after_it_was_changed() {
        let root = tempfile::tempdir().expect("a directory");
        let below = root.path().join("bundled");
        let directory = install(&below).expect("installed");
        let playbook = directory.join("range_verify.yml");
        let written = fs::metadata(&playbook).and_then(|found| found.modified()).expect("a playbook");
        assert!(directory.join("roles/range_router/library/range_router.py").is_file());
        assert_eq!(install(&below).expect("installed"), directory);
        assert_eq!(fs::metadata(&playbook).and_then(|found| found.modified()).expect("the same"), written);
        fs::write(&playbook, "[]").expect("changed");
        assert_eq!(install(&below).expect("installed"), directory);
        assert_ne!(fs::read_to_string(&playbook).expect("a playbook"), "[]");
        assert_eq!(fs::read_dir(&below).expect("a directory").count(), 1, "nothing else is left");
    }
}
