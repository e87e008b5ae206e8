//! Parses playbooks without Ansible, to find what Ansible doesn't report, or reports only during a run.
//!
//! Ansible skips a missing variable file without a message, fails on a missing role of an `include_role` only when it
//! gets there, and lists nothing at all if a single role is missing. The scan finds plays, variable files, roles, and modules,
//! through imports and includes with literal paths. Paths with expressions are not followed, nothing outside of the root is
//! read, and files that are not YAML are skipped: Ansible reports their errors. The scan locates roles but doesn't read them.

use std::{
    collections::{BTreeSet, HashSet},
    path::{Path, PathBuf},
};

use super::{
    MissingFile, Play, Prompt, Root,
    playbook::{IMPORT_PLAYBOOK, MAX_PLAYBOOK_BYTES},
    prompts,
    search::SearchPaths,
    yaml::{self, Yaml},
};

/// How many files one scan reads. The largest known scenario has under a hundred.
const MAX_FILES: usize = 1_000;

/// How deep imports and includes are followed.
const MAX_DEPTH: usize = 32;

/// What a scan found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) plays: Vec<Play>,
    pub(super) prompts: Vec<Prompt>,
    pub(super) vars_files: Vec<MissingFile>,
    /// The roles that are named, by the last part of their path, as Ansible calls them.
    pub(super) named_roles: BTreeSet<String>,
    pub(super) missing_roles: BTreeSet<String>,
    pub(super) missing_collections: BTreeSet<String>,
}

/// A scan under way.
pub(super) struct Scan<'a> {
    pub(super) root: &'a Root,
    pub(super) search: &'a SearchPaths<'a>,
    pub(super) findings: Findings,
    files: usize,
}

/// The location of a list of tasks.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// The directory of its file, relative to the root.
    pub(super) directory: &'a Path,
    /// The directory of the playbook that it belongs to.
    pub(super) playbook_directory: &'a Path,
    /// The tags of what is around it.
    pub(super) tags: &'a [String],
    /// How many imports and includes lead to it.
    pub(super) depth: usize,
}

/// Scans a playbook, by its path relative to the root.
pub(super) fn scan(root: &Root, search: &SearchPaths<'_>, playbook: &Path) -> Findings {
    let mut scan = Scan { root, search, findings: Findings::default(), files: 0 };
    scan.playbook(playbook, 0);
    let mut seen = HashSet::new();
    scan.findings.vars_files.retain(|file| seen.insert(file.clone()));
    scan.findings
}

impl Scan<'_> {
    fn playbook(&mut self, file: &Path, depth: usize) {
        let Some(document) = self.read(file, depth) else { return };
        let directory = file.parent().unwrap_or(Path::new(""));
        for item in document.items() {
            match item.get_any(IMPORT_PLAYBOOK).and_then(Yaml::text) {
                Some(import) if is_dynamic(import) => {}
                Some(import) => self.playbook(&directory.join(import), depth + 1),
                None => self.play(item, file, directory, depth),
            }
        }
    }

    fn play(&mut self, play: &Yaml, file: &Path, directory: &Path, depth: usize) {
        let hosts = play.get("hosts").map(Yaml::texts).unwrap_or_default().join(",");
        let name = play.get("name").and_then(Yaml::text).filter(|name| !name.is_empty()).unwrap_or(&hosts);
        self.findings.prompts.extend(play.get("vars_prompt").map(prompts::of_variables).unwrap_or_default());
        for entry in play.get("vars_files").map(entries).unwrap_or_default() {
            self.vars_file(&entry, file, directory);
        }
        for role in play.get("roles").map_or(&[][..], Yaml::items) {
            let name = role.get_any(&["role", "name"]).unwrap_or(role).text();
            self.role(name.unwrap_or_default(), directory);
        }
        for collection in play.get("collections").map(Yaml::texts).unwrap_or_default() {
            self.collection(collection, directory);
        }
        let tags = sorted_tags(play.get("tags"), &[]);
        let place = Place { directory, playbook_directory: directory, tags: &tags, depth };
        let mut tasks = Vec::new();
        for section in ["pre_tasks", "tasks", "post_tasks"] {
            self.tasks(play.get(section).map_or(&[], Yaml::items), place, &mut tasks);
        }
        // Ansible does not list handlers.
        self.tasks(play.get("handlers").map_or(&[], Yaml::items), place, &mut Vec::new());
        self.findings.plays.push(Play { name: name.to_owned(), hosts: hosts.clone(), tags, tasks });
    }

    /// One entry of `vars_files`: a path, or alternatives of which Ansible takes the first that exists.
    fn vars_file(&mut self, alternatives: &[&str], file: &Path, directory: &Path) {
        let dynamic = alternatives.iter().any(|path| is_dynamic(path));
        let exists = |path: &&str| {
            // As in Ansible: in `vars/` next to the playbook, then next to it. An absolute path is not in the tree.
            self.root.is_file(&directory.join("vars").join(path))
                || self.root.is_file(&directory.join(path))
                || Path::new(path).is_absolute() && Path::new(path).is_file()
        };
        if alternatives.is_empty() || alternatives.iter().any(exists) {
            return;
        }
        let path = alternatives.join(" | ");
        self.findings.vars_files.push(MissingFile { path, referenced_in: file.to_owned(), dynamic });
    }

    pub(super) fn role(&mut self, name: &str, playbook_directory: &Path) {
        if name.is_empty() || is_dynamic(name) {
            return;
        }
        if !self.search.has_role(name, playbook_directory) {
            self.findings.missing_roles.insert(name.to_owned());
        }
        self.findings.named_roles.extend(name.rsplit('/').next().map(str::to_owned));
    }

    pub(super) fn collection(&mut self, name: &str, playbook_directory: &Path) {
        if !is_dynamic(name) && !self.search.has_collection(name, playbook_directory) {
            self.findings.missing_collections.insert(name.to_owned());
        }
    }

    /// A file's document, unless a bound is reached.
    pub(super) fn read(&mut self, file: &Path, depth: usize) -> Option<Yaml> {
        self.files += 1;
        if self.files > MAX_FILES || depth > MAX_DEPTH {
            return None;
        }
        let file: PathBuf = file.components().collect();
        yaml::parse(&self.root.read(&file, MAX_PLAYBOOK_BYTES).ok().flatten()?)
    }
}

/// The entries of `vars_files`: one path, or a list of paths and lists of alternatives.
fn entries(vars_files: &Yaml) -> Vec<Vec<&str>> {
    match vars_files {
        Yaml::List(items) => items.iter().map(Yaml::texts).collect(),
        Yaml::Text(_) | Yaml::Map(_) => vec![vars_files.texts()],
    }
}

/// Whether a text is known only when Ansible has evaluated it.
pub(super) fn is_dynamic(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.starts_with('~')
}

/// Tags of an object together with those around it; a text may hold several, divided by commas.
pub(super) fn sorted_tags(tags: Option<&Yaml>, around: &[String]) -> Vec<String> {
    let own = tags.map(Yaml::texts).unwrap_or_default();
    let own = own.into_iter().flat_map(|text| text.split(',')).map(|tag| tag.trim().to_owned());
    let all: BTreeSet<String> = own.filter(|tag| !tag.is_empty()).chain(around.iter().cloned()).collect();
    all.into_iter().collect()
}
