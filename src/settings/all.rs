//! All settings, section by section.

use std::collections::BTreeMap;

use model::ProjectName;
use serde::{Deserialize, Serialize};

use super::{
    Access, Ansible, History, Limits, Log, Paths, Project, Proxmox, Runs, Secrets, Server, Store, Vault,
};

/// Every setting, checked; paths are absolute.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `[server]`: the HTTP server.
    pub server: Server,
    /// `[access]`: who is let in.
    pub access: Access,
    /// `[limits]`: how much a client may ask for.
    pub limits: Limits,
    /// `[paths]`: where content and state are.
    pub paths: Paths,
    /// `[projects.NAME]`: repositories whose content runs see as a whole.
    #[serde(default)] // Without projects the table leaves no trace in the layers.
    pub projects: BTreeMap<ProjectName, Project>,
    /// `[ansible]`: which Ansible is used, and what it is told.
    pub ansible: Ansible,
    /// `[vault]`: the Ansible Vault password and the file it opens.
    pub vault: Vault,
    /// `[secrets]`: what keeps the secret variables of jobs.
    pub secrets: Secrets,
    /// `[proxmox]`: how Proxmox is asked without Ansible.
    pub proxmox: Proxmox,
    /// `[runs]`: limits of runs.
    pub runs: Runs,
    /// `[store]`: the database.
    pub store: Store,
    /// `[history]`: what is kept of jobs that have ended.
    pub history: History,
    /// `[log]`: what is logged, and how.
    pub log: Log,
}
