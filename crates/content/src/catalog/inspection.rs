//! The result of an inspection: plain values, serialized to JSON.

use std::path::PathBuf;

use model::{ContentKind, ContentName};

use crate::inspector::Ending;

/// What is in a playbook, a bundle or a scenario.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Inspection {
    /// What it is.
    pub kind: ContentKind,
    /// Its name.
    pub name: ContentName,
    /// The position of its root among the playbooks roots.
    pub root: usize,
    /// The playbook file, relative to that root.
    pub path: PathBuf,
    /// The plays in their order, imported ones included.
    pub plays: Vec<Play>,
    /// Every tag of a play or a task, sorted.
    pub tags: Vec<String>,
    /// The prompts of the content, in order. In runs they are not answered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prompts: Vec<Prompt>,
    /// Variable files that plays name and that do not exist, or whose name is known only in a run. Ansible
    /// passes over a missing one in silence.
    pub missing_vars_files: Vec<MissingFile>,
    /// Roles that are named and found nowhere, sorted.
    pub missing_roles: Vec<String>,
    /// Collections whose modules are named and that are found nowhere, sorted.
    pub missing_collections: Vec<String>,
    /// Why Ansible could not list the content: its message, without source lines. The plays then come from parsing the files,
    /// which doesn't read roles.
    pub problem: Option<String>,
    /// How Ansible ended, if it was executed.
    #[serde(skip)]
    pub ended: Option<Ending>,
}

/// One play.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Play {
    /// Its name; the hosts pattern when it has none.
    pub name: String,
    /// Its hosts pattern.
    pub hosts: String,
    /// Its tags, sorted.
    pub tags: Vec<String>,
    /// Its tasks in their order, those of roles included.
    pub tasks: Vec<Task>,
}

/// One task.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Task {
    /// Its name; the action when it has none.
    pub name: String,
    /// The role that it belongs to.
    pub role: Option<String>,
    /// Its tags, those of its play and blocks included, sorted.
    pub tags: Vec<String>,
}

/// A question of a playbook.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Prompt {
    /// Where it comes from.
    pub kind: PromptKind,
    /// The variable that it sets, which a request may set instead; `None` for a pause.
    pub name: Option<String>,
    /// The text of the prompt.
    pub prompt: Option<String>,
    /// The value that is used without an answer. `None` if the prompt is private.
    pub default: Option<String>,
    /// Whether the answer is not shown while it is typed.
    pub private: bool,
}

/// Where a question comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PromptKind {
    /// `vars_prompt` of a play.
    Variable,
    /// A task with `pause` and without a time.
    Pause,
}

/// A variable file that will not, or may not, be read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize)]
pub struct MissingFile {
    /// The path as it is written; alternatives joined by ` | `.
    pub path: String,
    /// The playbook that names it, relative to the root.
    pub referenced_in: PathBuf,
    /// Whether the path contains an expression. The file is then unknown before the run.
    pub dynamic: bool,
}

/// The names in an inventory. Variables never appear: they hold passwords and keys.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct InventoryInspection {
    /// Its name.
    pub name: ContentName,
    /// The file or directory, relative to the inventory root.
    pub path: PathBuf,
    /// Its groups, sorted by name.
    pub groups: Vec<InventoryGroup>,
    /// All its hosts, sorted.
    pub hosts: Vec<String>,
    /// Why Ansible could not read it: positions only, because its words quote lines of the file.
    pub problem: Option<String>,
    /// How Ansible ended, if it was executed.
    #[serde(skip)]
    pub ended: Option<Ending>,
}

/// A group of an inventory.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct InventoryGroup {
    /// Its name.
    pub name: String,
    /// The hosts named directly in it, sorted.
    pub hosts: Vec<String>,
    /// The groups directly below it, sorted.
    pub children: Vec<String>,
}
