//! The catalog: what there is to run, and against what.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ContentName, Kind, ProjectName, words::words};

/// One piece of content
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CatalogEntry {
    /// The name by which it is run
    pub name: ContentName,
    /// What it is
    pub kind: Kind,
    /// The position of its root among the playbooks roots
    pub root: u64,
    /// Relative to that root
    pub path: String,
    /// The project that has it; missing for content outside of all projects
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
}

/// A task
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct PlayTask {
    /// Its name, or its action
    pub name: String,
    /// The role that it belongs to
    pub role: Option<String>,
    /// Its tags
    pub tags: Vec<String>,
}

/// A play
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Play {
    /// Its name, or its host pattern
    pub name: String,
    /// Its host pattern
    pub hosts: String,
    /// Its tags
    pub tags: Vec<String>,
    /// Its tasks in their order, those of roles included
    pub tasks: Vec<PlayTask>,
}

words!(PromptKind, "Where a question comes from" {
    /// `vars_prompt` of a play.
    Variable = "variable",
    /// A task with `pause` and without a time.
    Pause = "pause",
});

/// A question of a playbook
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Prompt {
    /// Where it comes from
    pub kind: PromptKind,
    /// The variable that it sets; null for a pause
    pub name: Option<String>,
    /// What is asked
    pub prompt: Option<String>,
    /// The value without an answer; null when there is none or it is private
    pub default: Option<String>,
    /// Is the answer hidden while it is typed?
    pub private: bool,
}

/// A variable file that will not, or may not, be read
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct MissingFile {
    /// The path as it is written
    pub path: String,
    /// The playbook that names it
    pub referenced_in: String,
    /// Its name is only known in a run
    pub dynamic: bool,
}

/// What a playbook, bundle or scenario would do, and what it lacks
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Content {
    /// What it is
    pub kind: Kind,
    /// The name by which it is run
    pub name: ContentName,
    /// The position of its root among the playbooks roots
    pub root: u64,
    /// Relative to that root
    pub path: String,
    /// Its plays in their order, imported ones included
    pub plays: Vec<Play>,
    /// Every tag of a play or a task
    pub tags: Vec<String>,
    /// What it would ask for at a terminal, in order; absent when there is nothing. A request answers by setting the variable
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prompts: Vec<Prompt>,
    /// Variable files that plays name and that do not exist, or whose name is only known in a run
    pub missing_vars_files: Vec<MissingFile>,
    /// Roles that are named and found nowhere
    pub missing_roles: Vec<String>,
    /// Collections whose modules are named and that are found nowhere
    pub missing_collections: Vec<String>,
    /// Why Ansible could not list it, in its words
    pub problem: Option<String>,
}

/// A group of an inventory
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct InventoryGroup {
    /// Its name
    pub name: String,
    /// The hosts directly in it
    pub hosts: Vec<String>,
    /// The groups directly below it
    pub children: Vec<String>,
}

/// Groups and hosts of an inventory; never a variable
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Inventory {
    /// Its name
    pub name: ContentName,
    /// Relative to the root of inventories
    pub path: String,
    /// Its groups, sorted by name
    pub groups: Vec<InventoryGroup>,
    /// All its hosts, sorted
    pub hosts: Vec<String>,
    /// Why Ansible could not read it
    pub problem: Option<String>,
}
