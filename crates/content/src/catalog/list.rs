//! Lists the names of playbooks, bundles, and scenarios, found by walking the roots.
//!
//! A list contains exactly what [`Catalog::resolve`] accepts: content with a link that leaves its root is not listed.
//! Directories are opened beneath their root. A link to a directory can be a bundle, but the walk doesn't enter it. Unreadable
//! directories are skipped.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use model::{ContentKind, ContentName};
use rustix::fs::FileType;

use super::{
    Catalog, Entry, Error, Options, Places, Root,
    entries::{is_yaml, visible},
    playbook::{MAIN, is_playbook},
};

/// Directories that never contain bundles.
const ROLE_DIRECTORIES: &[&str] = &["roles", "collections"];

/// Directories whose YAML files are no playbooks, by Ansible's conventions.
const SUPPORT_DIRECTORIES: &[&str] = &[
    "collections",
    "defaults",
    "files",
    "group_vars",
    "handlers",
    "host_vars",
    "inventories",
    "inventory",
    "library",
    "meta",
    "module_utils",
    "plugins",
    "roles",
    "secrets",
    "tasks",
    "templates",
    "vars",
];

/// How much a name must resemble the wanted one to be a suggestion, from 0 to 1.
const RESEMBLANCE: f64 = 0.6;

/// How many suggestions are made.
const SUGGESTIONS: usize = 3;

impl Catalog {
    /// Everything of one kind, sorted by name.
    ///
    /// # Errors
    /// [`Error::Io`] when a root exists and cannot be read.
    pub fn list(&self, kind: ContentKind) -> Result<Vec<Entry>, Error> {
        for directory in self.roots(kind) {
            let opened = self
                .open_root(directory)
                .and_then(|root| root.map_or(Ok(()), |root| root.entries(Path::new("")).map(drop)));
            if let Err(super::BeneathError::Io { source, .. }) = opened {
                return Err(Error::io(kind, directory, source));
            }
        }
        Ok(self.names(kind).into_iter().filter_map(|name| self.entry(kind, name)).collect())
    }

    fn entry(&self, kind: ContentKind, name: ContentName) -> Option<Entry> {
        let found = match self.find_in_roots(kind, &name, super::inventory::Purpose::Look) {
            Ok(found) => found?,
            Err(error) => {
                tracing::debug!(content.kind = %kind, content.name = %name, %error, "content is not listed");
                return None;
            }
        };
        if kind == ContentKind::Playbook && !is_playbook(&found.root, &found.path) {
            return None;
        }
        Some(Entry { name, kind, root: found.index, path: found.path })
    }

    /// The names that files and directories suggest, whether or not they resolve.
    pub(super) fn names(&self, kind: ContentKind) -> BTreeSet<ContentName> {
        let roots = self.roots(kind).iter().filter_map(|directory| self.open_root(directory).ok().flatten());
        let options = &self.options;
        roots.flat_map(|root| names_in(&root, kind, options)).filter_map(|name| name.parse().ok()).collect()
    }
}

fn names_in(root: &Root, kind: ContentKind, options: &Options) -> Vec<String> {
    let places = &options.places;
    let mut walk = Walk { root, exclude: &options.exclude, names: Vec::new() };
    match kind {
        ContentKind::Playbook => walk.playbooks(places),
        ContentKind::Bundle => places.bundles.iter().for_each(|top| walk.bundles(top)),
        ContentKind::Scenario => places.scenarios.iter().for_each(|top| walk.bundles(top)),
        ContentKind::Inventory => return super::inventory::names(root, options),
    }
    walk.names
}

struct Walk<'a> {
    root: &'a Root,
    exclude: &'a [String],
    names: Vec<String>,
}

impl Walk<'_> {
    /// Those that the patterns name; without patterns, all.
    fn playbooks(&mut self, places: &Places) {
        let patterns = places.playbooks.as_deref();
        let may_hold = |directory: &Path| {
            patterns.is_none_or(|patterns| patterns.iter().any(|pattern| pattern.may_hold(directory)))
        };
        let is_named = |path: &Path| {
            patterns.is_none_or(|patterns| patterns.iter().any(|pattern| pattern.matches(path)))
        };
        let mut open = vec![PathBuf::new()];
        while let Some(directory) = open.pop() {
            for (path, file_type) in visible(self.root, &directory, self.exclude) {
                let is_of = |names| path.file_name().is_some_and(|name| is_any(name, names));
                let is_meant = || patterns.into_iter().flatten().any(|pattern| pattern.names(&path));
                let is_tree = || places.trees().any(|tree| tree == path);
                let skipped = is_of(SUPPORT_DIRECTORIES) && !is_meant() || is_tree() || !may_hold(&path);
                match file_type {
                    FileType::Directory if !skipped => open.push(path),
                    FileType::RegularFile | FileType::Symlink if is_yaml(&path) && is_named(&path) => {
                        self.names.extend(path.with_extension("").to_str().map(str::to_owned));
                    }
                    _ => {}
                }
            }
        }
    }

    fn bundles(&mut self, top: &Path) {
        let mut open = vec![(top.to_owned(), false)];
        while let Some((directory, in_bundle)) = open.pop() {
            let skip = if in_bundle { SUPPORT_DIRECTORIES } else { ROLE_DIRECTORIES };
            for (path, file_type) in visible(self.root, &directory, self.exclude) {
                let skipped = path.file_name().is_some_and(|name| is_any(name, skip));
                if skipped || !matches!(file_type, FileType::Directory | FileType::Symlink) {
                    continue;
                }
                let is_bundle = self.root.is_file(&path.join(MAIN));
                if is_bundle && let Some(name) = path.strip_prefix(top).ok().and_then(Path::to_str) {
                    self.names.push(name.to_owned());
                    self.entries(&path, name);
                }
                if file_type == FileType::Directory {
                    open.push((path, in_bundle || is_bundle));
                }
            }
        }
    }

    /// Further playbooks next to the `main.yml` of a bundle.
    fn entries(&mut self, directory: &Path, bundle: &str) {
        for (path, file_type) in visible(self.root, directory, self.exclude) {
            let is_entry = matches!(file_type, FileType::RegularFile | FileType::Symlink) && is_yaml(&path);
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            if let Some(stem) = stem.filter(|stem| is_entry && *stem != "main") {
                self.names.push(format!("{bundle}/{stem}"));
            }
        }
    }
}

fn is_any(name: &std::ffi::OsStr, names: &[&str]) -> bool {
    names.iter().any(|other| name == *other)
}

/// The names that resemble the wanted one most, as a whole or in their last segment.
pub(super) fn nearest(wanted: &ContentName, names: &BTreeSet<ContentName>) -> Vec<String> {
    let likeness = |name: &str| {
        let last = name.rsplit('/').next().unwrap_or(name);
        [name, last]
            .into_iter()
            .map(|text| strsim::normalized_damerau_levenshtein(wanted.as_str(), text))
            .fold(0.0, f64::max)
    };
    let mut scored: Vec<(f64, &ContentName)> =
        names.iter().map(|name| (likeness(name.as_str()), name)).filter(|(s, _)| *s >= RESEMBLANCE).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().take(SUGGESTIONS).map(|(_, name)| name.to_string()).collect()
}
