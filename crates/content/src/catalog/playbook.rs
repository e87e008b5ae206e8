//! Decides which files are playbooks.

use std::path::Path;

use super::{
    Root,
    entries::{is_yaml, visible},
    yaml,
};

/// The largest file that may be a playbook, in bytes. Real ones have a few thousand.
pub(super) const MAX_PLAYBOOK_BYTES: u64 = 1 << 20;

/// The playbook that a bundle or a scenario begins with.
pub(super) const MAIN: &str = "main.yml";

/// The spellings of a statement that imports a playbook.
pub(super) const IMPORT_PLAYBOOK: &[&str] =
    &["import_playbook", "ansible.builtin.import_playbook", "ansible.legacy.import_playbook"];

/// Whether a directory directly contains a playbook.
#[must_use]
pub fn has_playbook(directory: &Path) -> bool {
    let Ok(root) = Root::open(directory) else { return false };
    let files = visible(&root, Path::new(""), &[]).into_iter().filter(|(path, _)| is_yaml(path));
    files.into_iter().any(|(path, _)| is_playbook(&root, &path))
}

/// Whether a file is a list of plays and imports, and nothing else.
pub(super) fn is_playbook(root: &Root, path: &Path) -> bool {
    let text = root.read(path, MAX_PLAYBOOK_BYTES).ok().flatten().unwrap_or_default();
    // Parsing is slow next to this search, and most YAML files have neither word.
    if !text.contains("hosts") && !text.contains("import_playbook") {
        return false;
    }
    let Some(document) = yaml::parse(&text) else { return false };
    let plays = document.items();
    !plays.is_empty()
        && plays.iter().all(|play| play.get("hosts").is_some() || play.get_any(IMPORT_PLAYBOOK).is_some())
}
