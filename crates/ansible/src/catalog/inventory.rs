//! Inventories: which files and directories below the inventory root are one, and what they are called.
//!
//! An inventory is a file `*.yml`, `*.yaml`, `*.ini` or `*.json`, a file without an extension, an executable
//! file (Ansible runs it), or a directory that has one of these directly in it. It is called by its path
//! without the extension, or with it where that would not tell it from its neighbours. What lies in
//! `group_vars` or `host_vars` is none.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use model::ContentName;
use rustix::fs::FileType;

use super::{BeneathError, Root, beneath::file_type, list::visible, resolve::type_of};

/// The extensions of inventory files.
const EXTENSIONS: &[&str] = &["yml", "yaml", "ini", "json"];

/// Directories with variables of an inventory.
const VARIABLE_DIRECTORIES: &[&str] = &["group_vars", "host_vars"];

/// Any of the three bits that let a file be executed.
const EXECUTABLE: u32 = 0o111;

/// The file or directory that a name means, or nothing.
pub(super) fn find(
    root: &Root,
    name: &ContentName,
    exclude: &[String],
) -> Result<Option<PathBuf>, BeneathError> {
    if is_variables(name.as_str()) {
        return Ok(None);
    }
    let exact = Path::new(name.as_str());
    if type_of(root, exact)?.is_some() && is_inventory(root, exact, exclude) {
        return Ok(Some(exact.to_owned()));
    }
    let directory = exact.parent().unwrap_or(Path::new(""));
    let mut meant = Vec::new();
    for (path, _) in visible(root, directory, exclude) {
        if path.with_extension("") == exact && type_of(root, &path)?.is_some() && is_file(root, &path) {
            meant.push(path);
        }
    }
    Ok(if meant.len() == 1 { meant.pop() } else { None })
}

/// The names of all inventories below a root.
pub(super) fn names(root: &Root, exclude: &[String]) -> Vec<String> {
    let mut names = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(directory) = open.pop() {
        let entries = visible(root, &directory, exclude);
        let directories = entries
            .iter()
            .filter(|(path, file_type)| {
                *file_type == FileType::Directory && !path.to_str().is_some_and(is_variables)
            })
            .map(|(path, _)| path.clone());
        open.extend(directories);
        names.extend(names_of(root, &entries, exclude));
    }
    names
}

/// Names for the inventories of one directory: a stem that only one of them has, else the whole file name.
fn names_of(root: &Root, entries: &[(PathBuf, FileType)], exclude: &[String]) -> Vec<String> {
    let inventories: Vec<&Path> = entries
        .iter()
        .map(|(path, _)| path.as_path())
        .filter(|path| !path.to_str().is_some_and(is_variables) && is_inventory(root, path, exclude))
        .collect();
    let stem = |path: &Path| if root.is_file(path) { path.with_extension("") } else { path.to_owned() };
    let mut stems: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for path in &inventories {
        *stems.entry(stem(path)).or_default() += 1;
    }
    let name = |path: &Path| if stems[&stem(path)] == 1 { stem(path) } else { path.to_owned() };
    inventories.into_iter().filter_map(|path| name(path).to_str().map(str::to_owned)).collect()
}

fn is_variables(path: &str) -> bool {
    path.split('/').any(|segment| VARIABLE_DIRECTORIES.contains(&segment))
}

fn is_inventory(root: &Root, path: &Path, exclude: &[String]) -> bool {
    is_file(root, path)
        || root.is_directory(path) && visible(root, path, exclude).iter().any(|(path, _)| is_file(root, path))
}

fn is_file(root: &Root, path: &Path) -> bool {
    let Ok(status) = root.status(path) else { return false };
    let known = path.extension().is_none_or(|extension| EXTENSIONS.iter().any(|other| extension == *other));
    file_type(&status) == FileType::RegularFile && (known || status.st_mode & EXECUTABLE != 0)
}
