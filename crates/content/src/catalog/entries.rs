//! The entries of the directories of a root, and the targets of paths in it.

use std::path::{Path, PathBuf};

use model::ContentName;
use rustix::fs::FileType;

use super::{BeneathError, Root, beneath::file_type};

/// How deep directories are walked. Real trees go seven levels below `bundles/`.
const MAX_DEPTH: usize = 32;

/// What a listed directory holds: neither hidden nor excluded, nor too deep, nor unreadable.
pub(super) fn visible(root: &Root, directory: &Path, exclude: &[String]) -> Vec<(PathBuf, FileType)> {
    if directory.components().count() > MAX_DEPTH {
        return Vec::new();
    }
    let entries = match root.entries(directory) {
        Ok(entries) => entries,
        Err(error) => {
            tracing::debug!(path = %directory.display(), %error, "a directory is not listed");
            return Vec::new();
        }
    };
    entries
        .into_iter()
        .filter(|(name, _)| name.to_str().is_some_and(|name| name.parse::<ContentName>().is_ok()))
        .filter(|(name, _)| !exclude.iter().any(|excluded| name == excluded.as_str()))
        .map(|(name, file_type)| (directory.join(name), file_type))
        .collect()
}

/// Whether a file is YAML by its name.
pub(super) fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml")
}

/// What a path leads to, `None` for nothing; a way out of the root is reported with the link that leaves.
pub(super) fn type_of(root: &Root, path: &Path) -> Result<Option<FileType>, BeneathError> {
    match root.status(path) {
        Ok(status) => Ok(Some(file_type(&status))),
        Err(BeneathError::Leaves(path)) => Err(BeneathError::Leaves(first_leaving(root, &path))),
        Err(error) if error.is_absent() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The first part of a path that is a link out of the root.
fn first_leaving(root: &Root, path: &Path) -> PathBuf {
    let mut parts: Vec<&Path> = path.ancestors().filter(|part| !part.as_os_str().is_empty()).collect();
    parts.reverse();
    let leaving = parts.into_iter().find(|part| matches!(root.status(part), Err(BeneathError::Leaves(_))));
    leaving.unwrap_or(path).to_owned()
}
