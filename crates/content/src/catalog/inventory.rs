//! Finds inventories: which files and directories below the inventory root are inventories, and their names.
//!
//! An inventory is a file with the shape of one (`shape.rs`), a program that a setting names, or a directory that directly
//! contains one of these. Its name is its path without the extension, or with it if another inventory has the same path without.
//! Files in `group_vars` and `host_vars` are not inventories.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use model::ContentName;
use rustix::fs::FileType;

use super::{
    BeneathError, Options, Root,
    entries::{type_of, visible},
    shape::{self, Shape},
};

/// Directories with variables of an inventory.
const VARIABLE_DIRECTORIES: &[&str] = &["group_vars", "host_vars"];

/// Directories of a repository without inventories.
const OTHER_DIRECTORIES: &[&str] = &["collections", "roles"];

/// Why an inventory is requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To list or inspect it: a program counts only if a setting names it.
    Look,
    /// To run a playbook against it. Callers that can do this can execute any program.
    Run,
}

/// The file or directory that a name means, or nothing.
pub(super) fn find(
    root: &Root,
    name: &ContentName,
    options: &Options,
    purpose: Purpose,
) -> Result<Option<PathBuf>, BeneathError> {
    if is_variables(Path::new(name.as_str())) {
        return Ok(None);
    }
    let search = Search { root, options, purpose };
    for directory in &options.places.inventory_directories {
        let exact = directory.join(name.as_str());
        if type_of(root, &exact)?.is_some() && search.is_inventory(&exact) {
            return Ok(Some(exact));
        }
        let mut meant = Vec::new();
        for (path, _) in visible(root, exact.parent().unwrap_or(Path::new("")), &options.exclude) {
            if path.with_extension("") == exact && type_of(root, &path)?.is_some() && search.is_file(&path) {
                meant.push(path);
            }
        }
        // Several differ only in their extensions: the name does not decide between them.
        if !meant.is_empty() {
            return Ok(if meant.len() == 1 { meant.pop() } else { None });
        }
    }
    Ok(None)
}

/// The names of all inventories below a root.
pub(super) fn names(root: &Root, options: &Options) -> Vec<String> {
    let search = Search { root, options, purpose: Purpose::Look };
    let mut names = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(directory) = open.pop() {
        let mut entries = visible(root, &directory, &options.exclude);
        entries.retain(|(path, _)| !is_variables(path));
        let may_hold = |path: &Path| match &options.places.inventories {
            None => true,
            Some(globs) => {
                let is_other =
                    path.file_name().is_some_and(|name| OTHER_DIRECTORIES.iter().any(|other| name == *other));
                globs.iter().any(|glob| glob.may_hold(path)) && !is_other
            }
        };
        let directories =
            entries.iter().filter(|(path, kind)| *kind == FileType::Directory && may_hold(path));
        open.extend(directories.map(|(path, _)| path.clone()));
        names.extend(search.names_of(&entries));
    }
    names
}

/// The programs of an inventory: itself, or those directly in its directory.
pub(super) fn programs(root: &Root, path: &Path) -> Vec<PathBuf> {
    let is_program = |path: &PathBuf| shape::of_file(root, path) == Some(Shape::Program);
    if !root.is_directory(path) {
        return Some(path.to_owned()).filter(is_program).into_iter().collect();
    }
    let entries = root.entries(path).unwrap_or_default();
    entries.into_iter().map(|(name, _)| path.join(name)).filter(is_program).collect()
}

struct Search<'a> {
    root: &'a Root,
    options: &'a Options,
    purpose: Purpose,
}

impl Search<'_> {
    /// Names for the inventories of one directory: a stem that only one of them has, else the whole file name.
    fn names_of(&self, entries: &[(PathBuf, FileType)]) -> Vec<String> {
        let is_listed = |path: &Path| {
            let patterns = self.options.places.inventories.as_ref();
            patterns.is_none_or(|globs| globs.iter().any(|glob| glob.matches(path)))
        };
        let inventories: Vec<&Path> = entries
            .iter()
            .map(|(path, _)| path.as_path())
            .filter(|path| is_listed(path) && self.is_inventory(path))
            .collect();
        let stem =
            |path: &Path| if self.root.is_file(path) { path.with_extension("") } else { path.to_owned() };
        let mut stems: BTreeMap<PathBuf, usize> = BTreeMap::new();
        for path in &inventories {
            *stems.entry(stem(path)).or_default() += 1;
        }
        let name = |path: &Path| if stems[&stem(path)] == 1 { stem(path) } else { path.to_owned() };
        inventories.into_iter().filter_map(|path| name(path).to_str().map(str::to_owned)).collect()
    }

    fn is_inventory(&self, path: &Path) -> bool {
        self.is_file(path)
            || self.root.is_directory(path)
                && visible(self.root, path, &self.options.exclude).iter().any(|(path, _)| self.is_file(path))
    }

    fn is_file(&self, path: &Path) -> bool {
        match shape::of_file(self.root, path) {
            Some(Shape::Static) => true,
            Some(Shape::Program) => self.purpose == Purpose::Run || self.is_named(path),
            None => false,
        }
    }

    fn is_named(&self, path: &Path) -> bool {
        self.options.inventory_scripts.iter().any(|glob| glob.matches(path))
    }
}

fn is_variables(path: &Path) -> bool {
    path.components().any(|part| VARIABLE_DIRECTORIES.iter().any(|name| part.as_os_str() == *name))
}
