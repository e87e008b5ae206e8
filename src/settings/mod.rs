//! Settings from files, the environment, and the command line, checked once, at the start.
//!
//! Later layers take precedence: `config/default.toml`, a file, the old names in the environment,
//! `RANGEHAND__SECTION__KEY` in the environment, the command line. Every key is a row of `keys::KEYS`, which defines
//! its allowed values. Every value is checked together with its origin, so that an error contains the key, the value, the
//! allowed values, and the location.
//!
//! This module does not read the process: [`Inputs`] contains the environment, the working directory, and the
//! rest. `start.sh` reads the file `.env`.

mod access;
mod ansible;
mod environment;
mod error;
mod file;
mod history;
mod inputs;
mod isolation;
mod keys;
mod layer;
mod limits;
mod load;
mod locale;
mod log;
mod nearest;
mod old_names;
mod origin;
mod paths;
mod projects;
mod proxmox;
mod read;
mod renamed;
mod runs;
mod seconds;
mod secret;
mod secrets;
mod server;
mod show;
mod store;
mod toolchain;
mod vault;

use std::collections::BTreeMap;

use model::ProjectName;
use serde::{Deserialize, Serialize};

pub use self::{
    access::{Access, AccessError, ModeWord},
    ansible::{Ansible, Variables},
    error::Error,
    history::History,
    inputs::{CommandLine, Environment, Inputs},
    isolation::{IsolationLevel, NoSandbox},
    limits::Limits,
    load::Loaded,
    log::{Log, LogFormat},
    origin::{Origin, Origins},
    paths::Paths,
    projects::Project,
    proxmox::Proxmox,
    renamed::{OldNameInUse, RenamedSetting},
    runs::Runs,
    secret::{Secret, StoreUrl},
    secrets::Secrets,
    server::{OriginPattern, Server},
    show::Row,
    store::Store,
    vault::{PasswordError, PasswordSource, Vault},
};

pub(crate) use self::{environment::variable_of, load::OLD_NAMES_END, renamed::RENAMED};

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
    /// `[ansible]`: which Ansible is used, and its environment.
    pub ansible: Ansible,
    /// `[vault]`: the Ansible Vault password and the file it opens.
    pub vault: Vault,
    /// `[secrets]`: encryption of the secret variables of jobs.
    pub secrets: Secrets,
    /// `[proxmox]`: direct calls to the Proxmox API.
    pub proxmox: Proxmox,
    /// `[runs]`: limits of runs.
    pub runs: Runs,
    /// `[store]`: the database.
    pub store: Store,
    /// `[history]`: retention of finished jobs.
    pub history: History,
    /// `[log]`: what is logged, and how.
    pub log: Log,
}

impl Settings {
    /// Reads and checks all settings.
    ///
    /// # Errors
    /// The first setting that is unknown or invalid, with its location.
    pub fn load(inputs: &Inputs) -> Result<Loaded, Error> {
        load::load(inputs)
    }
}
