//! Files that a run wrote into its content, kept for download.
//!
//! ```text
//! <state>/artifacts/<job>/index.json   what there is, and what was left out
//!                         files/...    the files, at their paths
//! ```
//! Not kept: what Ansible and Python leave behind, what is kept in persistent paths, and files that hold a secret of the run, in
//! their content or in their path.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Component, Path, PathBuf},
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use model::Redactor;
use process::untrusted::remove_tree;
use serde::{Deserialize, Serialize};

use super::{
    snapshot::open_plain,
    written::{self, Change, Changes},
};
use crate::catalog::Root;

/// More files of a job are not kept.
const MOST_FILES: usize = 10_000;
/// How much of a file is searched for secrets at a time, and the overlap with the next piece.
const PIECE_BYTES: usize = 1 << 20;
const OVERLAP_BYTES: usize = 64 * 1024;

/// Where a job's artifacts go, and how many.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Options {
    /// The directory of the job.
    pub directory: PathBuf,
    /// More bytes are not kept.
    pub max_bytes: u64,
    /// The node that keeps them.
    pub node: String,
}

/// What is kept of a job.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Artifacts {
    /// The files.
    pub artifacts: Vec<Artifact>,
    /// Files that the run wrote and that are not kept.
    pub left_out: Vec<OmittedFile>,
}

/// A file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Artifact {
    /// Relative to the run's working directory's tree; of another tree, its name comes first.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Permission bits, in octal.
    pub mode: String,
    /// When it was last written.
    pub modified: Timestamp,
}

/// A file that is not kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OmittedFile {
    /// As above, without secrets.
    pub path: String,
    /// Why.
    pub why: String,
}

/// What was written in one tree.
#[derive(Debug)]
pub(crate) struct WrittenTree<'a> {
    /// What comes before its paths.
    pub(crate) prefix: PathBuf,
    /// Where the files are.
    pub(crate) files: &'a Root,
    pub(crate) changes: Changes,
}

/// Keeps them, in place of those of an earlier attempt of the job.
pub(crate) fn keep(
    options: &Options,
    trees: &[WrittenTree<'_>],
    secrets: &Redactor,
) -> io::Result<Artifacts> {
    let parent = options.directory.parent().unwrap_or(&options.directory);
    DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    remove_tree(&options.directory)?;
    let name = options.directory.file_name().unwrap_or_default().to_string_lossy();
    let place = parent.join(format!(".new-{name}"));
    remove_tree(&place)?;
    DirBuilder::new().mode(0o700).create(&place)?;
    let mut kept = Artifacts::default();
    let mut left = options.max_bytes;
    for tree in trees {
        for (path, change) in &tree.changes {
            let Change::File { size, mode, modified } = change else { continue };
            if is_leftover(path) {
                continue;
            }
            let named = tree.prefix.join(path);
            let place = place.join("files").join(&named);
            let too_large = "the job's artifacts are larger than `runs.artifacts_max_bytes`";
            let text = named.to_string_lossy();
            let why = if named.to_str().is_none() {
                Err("its name is not UTF-8")
            } else if secrets.knows_a_value_in(&text) {
                Err("its path holds a secret of the run")
            } else if kept.artifacts.len() >= MOST_FILES {
                Err("the job wrote too many files")
            } else if *size > left {
                Err(too_large)
            } else {
                match keep_one(tree.files, path, &place, secrets, left) {
                    Ok(Verdict::Kept(bytes)) => Ok(bytes),
                    Ok(Verdict::Secret) => Err("it holds a secret of the run"),
                    Ok(Verdict::TooLarge) => Err(too_large),
                    Err(_) => Err("it cannot be read"),
                }
            };
            match why {
                Ok(bytes) => {
                    left = left.saturating_sub(bytes);
                    kept.artifacts.push(Artifact {
                        path: text.into_owned(),
                        size: bytes,
                        mode: format!("{:04o}", mode & 0o7777),
                        modified: Timestamp::new(modified.0, i32::try_from(modified.1).unwrap_or(0))
                            .unwrap_or(Timestamp::UNIX_EPOCH),
                    });
                }
                Err(why) => {
                    // What was never written is not there.
                    let _ = fs::remove_file(&place);
                    if kept.left_out.len() >= MOST_FILES {
                        continue;
                    }
                    let path = secrets.text(&text).into_owned();
                    kept.left_out.push(OmittedFile { path, why: why.to_owned() });
                }
            }
        }
    }
    if kept.artifacts.is_empty() && kept.left_out.is_empty() {
        remove_tree(&place)?;
        return Ok(kept);
    }
    fs::write(place.join("index.json"), serde_json::to_vec(&kept)?)?;
    fs::rename(&place, &options.directory)?;
    Ok(kept)
}

enum Verdict {
    Kept(u64),
    Secret,
    TooLarge,
}

fn keep_one(files: &Root, path: &Path, target: &Path, secrets: &Redactor, most: u64) -> io::Result<Verdict> {
    let mut source = written::open(files, path)?;
    if source.metadata()?.len() > most {
        return Ok(Verdict::TooLarge);
    }
    target.parent().map_or(Ok(()), |parent| DirBuilder::new().recursive(true).mode(0o700).create(parent))?;
    let mut copy = OpenOptions::new().write(true).create_new(true).mode(0o600).open(target)?;
    let (mut window, mut bytes): (Vec<u8>, u64) = (Vec::new(), 0);
    loop {
        let before = window.len();
        let read = Read::by_ref(&mut source).take(PIECE_BYTES as u64).read_to_end(&mut window)?;
        if read == 0 {
            return Ok(Verdict::Kept(bytes));
        }
        bytes += read as u64;
        if bytes > most {
            return Ok(Verdict::TooLarge);
        }
        if secrets.knows_a_value_in(&String::from_utf8_lossy(&window)) {
            return Ok(Verdict::Secret);
        }
        copy.write_all(&window[before..])?;
        window.drain(..window.len().saturating_sub(OVERLAP_BYTES));
    }
}

/// Files that Ansible and Python create as a side effect.
fn is_leftover(path: &Path) -> bool {
    let names = path.components().filter_map(|component| match component {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    let is_ending = |ending| path.extension().is_some_and(|found| found == ending);
    names.into_iter().any(|name| name == "__pycache__" || name == ".ansible")
        || is_ending("retry")
        || is_ending("pyc")
}

/// The artifacts of a job. None if it has no directory.
///
/// # Errors
/// When the directory cannot be read.
pub fn list(directory: &Path) -> io::Result<Artifacts> {
    match fs::read(directory.join("index.json")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Artifacts::default()),
        other => Ok(serde_json::from_slice(&other?)?),
    }
}

/// Opens an artifact by its path, if it is one.
///
/// # Errors
/// When it cannot be read.
pub fn open(directory: &Path, path: &str) -> io::Result<Option<(Artifact, File)>> {
    let Some(artifact) = list(directory)?.artifacts.into_iter().find(|artifact| artifact.path == path) else {
        return Ok(None);
    };
    let file = open_plain(&directory.join("files"), Path::new(path))?;
    Ok(Some((artifact, file)))
}

/// Removes the artifacts of a job. Succeeds if there are none.
///
/// # Errors
/// When they cannot be removed.
pub fn remove(directory: &Path) -> io::Result<()> {
    remove_tree(directory)
}

/// Removes the artifacts of the jobs that ended longest ago until the rest is within the limits, and returns the number of these
/// jobs. `None` means no limit. Also removes partial artifacts that a crash left.
///
/// # Errors
/// When they cannot be read or removed. A missing directory is not an error.
pub fn prune(all: &Path, age: Option<Duration>, bytes: Option<u64>) -> io::Result<usize> {
    let entries = match fs::read_dir(all) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        other => other?,
    };
    let now = SystemTime::now();
    let is_older = |time: SystemTime, age: Duration| now.duration_since(time).is_ok_and(|since| since > age);
    let mut kept: Vec<(SystemTime, PathBuf)> = Vec::new();
    let mut removed = 0;
    for entry in entries {
        let path = entry?.path();
        // Another process can have renamed or removed the directory.
        let Ok(modified) = fs::metadata(&path).and_then(|found| found.modified()) else { continue };
        let is_new = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".new-"));
        let limit = if is_new { Some(HALF_MADE) } else { age };
        if limit.is_some_and(|limit| is_older(modified, limit)) {
            remove_tree(&path)?;
            removed += usize::from(!is_new);
        } else if !is_new {
            kept.push((modified, path));
        }
    }
    let Some(mut left) = bytes else { return Ok(removed) };
    kept.sort_unstable_by(|a, b| b.cmp(a));
    for (_, path) in kept {
        let of_job: u64 = list(&path)?.artifacts.iter().map(|artifact| artifact.size).sum();
        match left.checked_sub(of_job) {
            Some(rest) => left = rest,
            None => {
                left = 0;
                remove_tree(&path)?;
                removed += 1;
            }
        }
    }
    Ok(removed)
}

/// After this time what is half-made will not be finished.
const HALF_MADE: Duration = Duration::from_secs(3600);
