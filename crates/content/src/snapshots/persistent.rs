//! Persistent paths: files of the content, such as generated passwords, that outlast the run that wrote them.
//!
//! ```text
//! <state>/persistent/<key of the root>/<number>/tree/       the files, below what the owner has
//!                                               index.json  of each file: which run wrote it, and over what
//! ```
//! Versions like those of snapshots, with hard links for what stays. The owner has the last word: a file counts only as long as
//! what the owner has at its path is what it was when the run wrote over it, nothing included. Of two runs at the same time that
//! write one file the first to end has it.

use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Read},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use model::RunId;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    build::{set_owner, set_times},
    manifest::{Entry, Kind, by_path},
    snapshot::{Snapshot, open_plain},
    versions::{Version, Versions},
    written::{self, Change, Changes},
};
use crate::{catalog::Root, source::Tree};

/// What runs left in the persistent paths of a tree, as one run finds it.
#[derive(Debug)]
pub(crate) struct Layer {
    versions: Versions,
    version: Option<Version>,
    index: Index,
}

type Index = BTreeMap<PathBuf, KeptPath>;

/// What a run left at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct KeptPath {
    run: RunId,
    /// `None` when it removed what the owner has there.
    file: Option<KeptFile>,
    /// What the owner had there.
    over: Option<Owners>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct KeptFile {
    size: u64,
    mode: u32,
    modified: (i64, u32),
}

/// By which a file of the owner is known again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Owners {
    size: u64,
    modified: (i64, u32),
    /// SHA-256.
    digest: String,
}

impl Layer {
    /// The layer of a tree, without what its owner has overtaken; `None` when nothing of it is persistent.
    pub(crate) fn take(persistent: &Path, tree: &Tree, snapshot: &Snapshot) -> io::Result<Option<Self>> {
        if tree.persistent.is_empty() {
            return Ok(None);
        }
        let key = Sha256::digest(tree.root.as_os_str().as_encoded_bytes());
        let key: String = key.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        let versions = Versions::open(persistent.join(key))?;
        let Some(layer) = Self::current(versions)? else { return Ok(None) };
        let entries = snapshot.entries()?;
        let known = by_path(&entries);
        let counts = |(path, kept): &(&PathBuf, &KeptPath)| {
            matches(&tree.persistent, path)
                && is_over(kept, known.get(path.as_path()).copied(), snapshot, path)
                && is_below_directories(path, &known)
        };
        let counting: Index =
            layer.index.iter().filter(counts).map(|(path, kept)| (path.clone(), kept.clone())).collect();
        if counting.len() == layer.index.len() {
            return Ok(Some(layer));
        }
        let Self { versions, version, .. } = layer;
        let making = versions.lock()?;
        let made = write(&making.begin()?, &counting, version.as_ref(), None, &entries)?;
        let version = making.publish(&made)?;
        drop(making);
        Ok(Some(Self { version: Some(version), index: counting, versions }))
    }

    fn current(versions: Versions) -> io::Result<Option<Self>> {
        let version = versions.current()?;
        let index = match &version {
            Some(version) => serde_json::from_slice(&fs::read(version.path.join("index.json"))?)?,
            None => Index::new(),
        };
        Ok(Some(Self { versions, version, index }))
    }

    /// Where its files are, if there are any.
    pub(crate) fn tree(&self) -> Option<PathBuf> {
        self.version.as_ref().filter(|_| !self.index.is_empty()).map(|version| version.path.join("tree"))
    }

    /// What a run sees: what the owner has, with what is kept put over it.
    pub(crate) fn over(&self, mut entries: Vec<Entry>) -> Vec<Entry> {
        entries.retain(|entry| !self.index.contains_key(&entry.path));
        for (path, kept) in &self.index {
            let Some(file) = &kept.file else { continue };
            entries.push(Entry {
                path: path.clone(),
                kind: Kind::File,
                mode: file.mode,
                uid: 0,
                gid: 0,
                size: file.size,
                modified: file.modified,
                changed: (0, 0),
                device: 0,
                inode: 0,
                origin: 0,
            });
        }
        entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        entries
    }

    /// Puts it over a copy.
    pub(crate) fn put_over(&self, copy: &Path) -> io::Result<()> {
        let Some(tree) = self.tree() else { return Ok(()) };
        for (path, kept) in &self.index {
            let target = copy.join(path);
            if fs::symlink_metadata(&target).is_ok_and(|found| !found.is_dir()) {
                fs::remove_file(&target)?;
            }
            if let Some(file) = &kept.file {
                target.parent().map_or(Ok(()), fs::create_dir_all)?;
                keep(&mut open_plain(&tree, path)?, &target, file)?;
            }
        }
        Ok(())
    }

    /// Keeps what a run wrote in persistent paths. Returns the paths that another run has written since.
    pub(crate) fn merge(
        &self,
        run: RunId,
        changes: &Changes,
        written: &Root,
        snapshot: &Snapshot,
    ) -> io::Result<Vec<PathBuf>> {
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let making = self.versions.lock()?;
        let now = self.versions.current()?;
        let found: Index = match &now {
            Some(version) => serde_json::from_slice(&fs::read(version.path.join("index.json"))?)?,
            None => Index::new(),
        };
        let mut index = found.clone();
        let entries = snapshot.entries()?;
        let known = by_path(&entries);
        let mut overtaken = Vec::new();
        for (path, change) in changes {
            if found.get(path) != self.index.get(path) {
                overtaken.push(path.clone());
                continue;
            }
            let over = known.get(path.as_path()).filter(|entry| entry.is_file());
            let over = over.map(|entry| owners(entry, snapshot, path)).transpose()?;
            let file = match change {
                Change::File { size, mode, modified } => {
                    Some(KeptFile { size: *size, mode: mode & 0o777, modified: *modified })
                }
                Change::Gone => None,
            };
            let is_below_a_file = path
                .ancestors()
                .skip(1)
                .any(|parent| index.get(parent).is_some_and(|kept| kept.file.is_some()));
            if file.is_none() && (over.is_none() || is_below_a_file) {
                index.remove(path);
            } else {
                // A directory that became a file, or a file that became one: there is only one of them in the tree.
                index.retain(|other, _| {
                    other == path || !(other.starts_with(path) || path.starts_with(other))
                });
                index.insert(path.clone(), KeptPath { run, file, over });
            }
        }
        let made = write(&making.begin()?, &index, now.as_ref(), Some((run, written)), &entries)?;
        drop(making.publish(&made)?);
        drop(making);
        // If older versions can't be removed now, the next prune removes them.
        let _ = self.versions.prune(false);
        Ok(overtaken)
    }
}

/// Is a path one of these: relative to the root when it has a slash within, otherwise a name at any depth?
pub(crate) fn matches(patterns: &[String], path: &Path) -> bool {
    patterns.iter().any(|pattern| {
        let pattern = pattern.trim_start_matches("./").trim_matches('/');
        if pattern.contains('/') {
            path.starts_with(pattern)
        } else {
            path.components().any(|name| name.as_os_str() == pattern)
        }
    })
}

/// Is what the owner has there what the run wrote over?
fn is_over(kept: &KeptPath, entry: Option<&Entry>, snapshot: &Snapshot, path: &Path) -> bool {
    match (&kept.over, entry) {
        (None, None) => true,
        (Some(over), Some(entry)) if entry.is_file() => {
            (over.size, over.modified) == (entry.size, entry.modified)
                || over.size == entry.size && digest(snapshot, path).is_ok_and(|digest| digest == over.digest)
        }
        _ => false,
    }
}

/// Has the owner nothing but directories, or nothing, above the path? A file there would be hidden by what is kept below it.
fn is_below_directories(path: &Path, known: &HashMap<&Path, &Entry>) -> bool {
    path.ancestors().skip(1).all(|parent| known.get(parent).is_none_or(|entry| entry.is_directory()))
}

fn owners(entry: &Entry, snapshot: &Snapshot, path: &Path) -> io::Result<Owners> {
    Ok(Owners { size: entry.size, modified: entry.modified, digest: digest(snapshot, path)? })
}

fn digest(snapshot: &Snapshot, path: &Path) -> io::Result<String> {
    let (mut file, mut hash, mut buffer) =
        (open_plain(&snapshot.tree(), path)?, Sha256::new(), vec![0; 64 * 1024]);
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => hash.update(&buffer[..read]),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Writes a version: what this run wrote is copied, all else shared with the version before.
fn write(
    place: &Path,
    index: &Index,
    before: Option<&Version>,
    run: Option<(RunId, &Root)>,
    entries: &[Entry],
) -> io::Result<PathBuf> {
    let tree = place.join("tree");
    DirBuilder::new().mode(0o700).create(&tree)?;
    let known = by_path(entries);
    let copied_before = |path: &Path, target: &Path| -> io::Result<bool> {
        let Some(before) = before else { return Ok(false) };
        Ok(fs::hard_link(before.path.join("tree").join(path), target).is_ok())
    };
    let mut directories: Vec<PathBuf> = Vec::new();
    for (path, kept) in index {
        let target = tree.join(path);
        for parent in path.ancestors().skip(1) {
            if !directories.iter().any(|known| known == parent) {
                directories.push(parent.to_owned());
            }
        }
        target
            .parent()
            .map_or(Ok(()), |parent| DirBuilder::new().recursive(true).mode(0o700).create(parent))?;
        match (&kept.file, run) {
            (None, _) => mknodat(CWD, &target, FileType::CharacterDevice, Mode::empty(), 0)?,
            (Some(file), Some((run, written))) if run == kept.run => {
                // Written by an earlier step of the same job, and not touched since.
                match written::open(written, path) {
                    Ok(mut source) => keep(&mut source, &target, file)?,
                    Err(_) if copied_before(path, &target)? => {}
                    Err(error) => return Err(error),
                }
            }
            (Some(_), _) => {
                if !copied_before(path, &target)? {
                    return Err(io::Error::new(
                        io::ErrorKind::NotFound,
                        format!("{} no longer exists", path.display()),
                    ));
                }
            }
        }
    }
    // A directory that is in both layers shows what it has in this one.
    directories.sort_unstable();
    for path in directories.iter().rev() {
        if let Some(entry) = known.get(path.as_path()) {
            let target = tree.join(path);
            set_owner(&target, entry);
            fs::set_permissions(&target, Permissions::from_mode(entry.mode))?;
            set_times(&target, entry.modified)?;
        }
    }
    let file = File::create(place.join("index.json"))?;
    serde_json::to_writer(&file, index)?;
    // Passwords of machines that are in use: they must be there after a crash, too.
    file.sync_all()?;
    rustix::fs::syncfs(&file)?;
    Ok(place.to_owned())
}

/// Copies a file as it is.
fn keep(source: &mut File, target: &Path, file: &KeptFile) -> io::Result<()> {
    let mut copy = OpenOptions::new().write(true).create_new(true).mode(0o600).open(target)?;
    io::copy(source, &mut copy)?;
    copy.set_permissions(Permissions::from_mode(file.mode))?;
    set_times(target, file.modified)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_counts_at_any_depth_and_a_path_from_the_root() {
        let patterns = ["credentials/".to_owned(), "a/keys".to_owned()];
        for (path, expected) in [
            ("credentials/db", true),
            ("x/credentials/y/z", true),
            ("a/keys/b", true),
            ("x/a/keys/b", false),
            ("credentials.yml", false),
            ("keys/b", false),
        ] {
            assert_eq!(matches(&patterns, Path::new(path)), expected, "{path}");
        }
    }
}
