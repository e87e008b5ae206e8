//! The catalog: available content and inventories.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ContentName, Kind, ProjectName, words::words};

/// A playbook, bundle, scenario, or inventory
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CatalogEntry {
    /// Name to use in requests
    pub name: ContentName,
    /// Type of the content
    pub kind: Kind,
    /// Position of its root among the playbooks roots
    pub root: u64,
    /// Path relative to that root
    pub path: String,
    /// Project that contains it; absent for content outside of all projects
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
}

/// A task
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct PlayTask {
    /// Name, or action if the task has no name
    pub name: String,
    /// Role that contains the task
    pub role: Option<String>,
    /// Tags of the task
    pub tags: Vec<String>,
}

/// A play
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Play {
    /// Name, or host pattern if the play has no name
    pub name: String,
    /// Host pattern
    pub hosts: String,
    /// Tags of the play
    pub tags: Vec<String>,
    /// Tasks in order, including those of roles
    pub tasks: Vec<PlayTask>,
}

words!(PromptKind, "Source of a prompt" {
    /// `vars_prompt` of a play.
    Variable = "variable",
    /// A `pause` task without a time.
    Pause = "pause",
});

/// A prompt of a playbook
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Prompt {
    /// Source of the prompt
    pub kind: PromptKind,
    /// Variable that it sets; null for a pause
    pub name: Option<String>,
    /// Text of the prompt
    pub prompt: Option<String>,
    /// Default value; null if there is none or the prompt is private
    pub default: Option<String>,
    /// Whether the input is hidden
    pub private: bool,
}

/// A variable file that does not exist, or whose name is unknown before a run
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct MissingFile {
    /// Path as written in the playbook
    pub path: String,
    /// Playbook that references it
    pub referenced_in: String,
    /// Whether the name is known only during a run
    pub dynamic: bool,
}

/// Plays and missing parts of a playbook, bundle, or scenario
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Content {
    /// Type of the content
    pub kind: Kind,
    /// Name to use in requests
    pub name: ContentName,
    /// Position of its root among the playbooks roots
    pub root: u64,
    /// Path relative to that root
    pub path: String,
    /// Plays in order, including imported ones
    pub plays: Vec<Play>,
    /// All tags of plays and tasks
    pub tags: Vec<String>,
    /// Prompts that it would show in a terminal, in order; absent if there are none. A request answers a prompt by setting its variable
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prompts: Vec<Prompt>,
    /// Variable files of plays that do not exist, or whose name is known only during a run
    pub missing_vars_files: Vec<MissingFile>,
    /// Referenced roles that were not found
    pub missing_roles: Vec<String>,
    /// Collections of referenced modules that were not found
    pub missing_collections: Vec<String>,
    /// Why Ansible could not list it: Ansible's error message
    pub problem: Option<String>,
}

/// A group of an inventory
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct InventoryGroup {
    /// Name of the group
    pub name: String,
    /// Hosts directly in the group
    pub hosts: Vec<String>,
    /// Child groups directly below the group
    pub children: Vec<String>,
}

/// Groups and hosts of an inventory, without variables
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Inventory {
    /// Name of the inventory
    pub name: ContentName,
    /// Path relative to the inventory directory
    pub path: String,
    /// Groups, sorted by name
    pub groups: Vec<InventoryGroup>,
    /// All hosts, sorted
    pub hosts: Vec<String>,
    /// Why Ansible could not read it: Ansible's error message
    pub problem: Option<String>,
}
