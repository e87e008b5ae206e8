//! The key file: one key per line, oldest first. The last one encrypts.
//!
//! ```text
//! # a comment
//! 3f2a9c01 2026-11-20T14:00:00Z k7Jd...base64 of 32 bytes
//! ```
//! The name of a key is the beginning of its hash, which reveals corrupt lines. The file is never modified in
//! place: a new file is written next to it and renamed.

use std::{
    fmt, fs,
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
    sync::Arc,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use secrecy::zeroize::Zeroizing;
use sha2::{Digest, Sha256};

use super::error::KeyError;
use crate::clock;

/// Maximum size of the key file, in bytes.
const MAX_BYTES: u64 = 64 * 1024;

const HEADING: &str = "# The keys of Rangehand's secrets, one per line: name, when it was made, key. The last one \
                       seals, all of them open.\n# `rangehand keys rotate` adds one. Keep this file out of the \
                       database's backups.\n";

/// A key. Its `Debug` output does not contain the key bytes.
#[derive(Clone)]
pub struct Key {
    /// Its name.
    pub id: String,
    /// When it was created.
    pub made_at: Timestamp,
    pub(super) bytes: Zeroizing<[u8; 32]>,
}

/// All keys of a file, oldest first. Never empty.
#[derive(Debug)]
pub(super) struct Keys(pub(super) Vec<Key>);

/// File metadata that changes when the file is replaced.
pub(super) type Stamp = (u64, u64, i64, i64);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("made_at", &self.made_at).finish_non_exhaustive()
    }
}

impl Key {
    /// A new key.
    pub(super) fn generate() -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *bytes).map_err(|error| KeyError::NoRandom(io::Error::other(error)))?;
        Ok(Self { id: name(&*bytes), made_at: clock::now(), bytes })
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let (id, made_at, key) = (words.next()?, words.next()?.parse().ok()?, words.next()?);
        let mut bytes = Zeroizing::new([0; 32]);
        let is_whole = BASE64_STANDARD.decode_slice(key, &mut *bytes).ok()? == 32 && words.next().is_none();
        (is_whole && name(&*bytes) == id).then(|| Self { id: id.to_owned(), made_at, bytes })
    }
}

impl Keys {
    pub(super) fn active(&self) -> &Key {
        // `read` rejects a file without keys.
        &self.0[self.0.len() - 1]
    }

    pub(super) fn find(&self, id: &str) -> Option<&Key> {
        self.0.iter().find(|key| key.id == id)
    }

    fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(HEADING.to_owned());
        for Key { id, made_at, bytes } in &self.0 {
            let key = Zeroizing::new(BASE64_STANDARD.encode(**bytes));
            text.push_str(&format!("{id} {made_at:.0} {}\n", *key));
        }
        text
    }
}

/// The first eight hexadecimal digits of the key's hash.
fn name(bytes: &[u8]) -> String {
    let hash = Sha256::new().chain_update(b"rangehand key ").chain_update(bytes).finalize();
    hash[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn stamp(path: &Path) -> io::Result<Stamp> {
    let metadata = path.metadata()?;
    Ok((metadata.ino(), metadata.size(), metadata.mtime(), metadata.mtime_nsec()))
}

/// Reads the keys.
pub(super) fn read(path: &Path) -> io::Result<(Stamp, Arc<Keys>)> {
    let mut file = fs::File::open(path)?;
    let metadata = file.metadata()?;
    let refused = |why: &str| Err(io::Error::new(io::ErrorKind::PermissionDenied, why.to_owned()));
    if !metadata.is_file() || metadata.mode() & 0o077 != 0 {
        return refused("others may read or write it, or it is no file: use `chmod 600`");
    }
    let stamp = stamp(path)?;
    let mut text = Zeroizing::new(String::new());
    Read::by_ref(&mut file).take(MAX_BYTES).read_to_string(&mut text)?;
    let lines =
        text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    let damaged = |number: usize| {
        let why = format!("line {} is no key: a name, a time and a key are wanted", number + 1);
        io::Error::new(io::ErrorKind::InvalidData, why)
    };
    let keys: Result<Vec<Key>, _> =
        lines.map(|(number, line)| Key::parse(line).ok_or_else(|| damaged(number))).collect();
    let keys = Keys(keys?);
    if keys.0.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "there is no key in it"));
    }
    Ok((stamp, Arc::new(keys)))
}

/// Creates the file; fails if it exists.
pub(super) fn create(path: &Path, keys: &Keys) -> io::Result<()> {
    new_beside(path, keys)?.persist_noclobber(path).map_err(|error| error.error)?;
    sync_parent(path)
}

/// Replaces the file atomically.
pub(super) fn replace(path: &Path, keys: &Keys) -> io::Result<()> {
    new_beside(path, keys)?.persist(path).map_err(|error| error.error)?;
    sync_parent(path)
}

fn new_beside(path: &Path, keys: &Keys) -> io::Result<tempfile::NamedTempFile> {
    let directory = parent(path);
    // `tempfile` creates files with mode 0600.
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(directory)?;
    file.write_all(keys.text().as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn sync_parent(path: &Path) -> io::Result<()> {
    fs::File::open(parent(path))?.sync_all()
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Locks the file for a change. Without the lock, two concurrent rotations could lose a key.
pub(super) fn lock(path: &Path) -> io::Result<fs::File> {
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    let file = fs::File::options().create(true).append(true).mode(0o600).open(lock)?;
    file.lock()?;
    Ok(file)
}
