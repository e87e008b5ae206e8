//! All settings, section by section.

use std::collections::BTreeMap;

use model::ProjectName;
use serde::{Deserialize, Serialize};

use super::{
    Access, Ansible, History, Limits, Log, Paths, Platform, Project, Proxmox, Ranges, Runs, Secrets, Server,
    Store, Vault,
};

/// Every setting, checked; paths are absolute.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `[server]`: the HTTP server.
    pub server: Server,
    /// `[access]`: authentication.
    pub access: Access,
    /// `[limits]`: limits for clients.
    pub limits: Limits,
    /// `[paths]`: where content and state are.
    pub paths: Paths,
    /// `[projects.NAME]`: repositories whose content runs see as a whole.
    #[serde(default)] // Without projects the table leaves no trace in the layers.
    pub projects: BTreeMap<ProjectName, Project>,
    /// `[platforms.NAME]`: where the machines of ranges exist.
    #[serde(default)] // As with projects.
    pub platforms: BTreeMap<String, Platform>,
    /// `[ansible]`: which Ansible is used, and its environment.
    pub ansible: Ansible,
    /// `[vault]`: the Ansible Vault password and the file it opens.
    pub vault: Vault,
    /// `[secrets]`: encryption of the secret variables of jobs.
    pub secrets: Secrets,
    /// `[proxmox]`: direct calls to the Proxmox API.
    pub proxmox: Proxmox,
    /// `[ranges]`: how plans of ranges are carried out.
    pub ranges: Ranges,
    /// `[runs]`: limits of runs.
    pub runs: Runs,
    /// `[store]`: the database.
    pub store: Store,
    /// `[history]`: retention of finished jobs.
    pub history: History,
    /// `[log]`: what is logged, and how.
    pub log: Log,
}
