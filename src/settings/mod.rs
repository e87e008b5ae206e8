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
mod all;
mod ansible;
mod catalogs;
mod environment;
mod error;
mod file;
mod history;
mod inputs;
mod isolation;
mod keys;
mod kind;
mod layer;
mod limits;
mod load;
mod locale;
mod log;
mod nearest;
mod old_names;
mod origin;
mod paths;
mod platforms;
mod projects;
mod proxmox;
mod ranges;
mod read;
mod renamed;
mod runs;
mod sandbox;
mod seconds;
mod secret;
mod secrets;
mod server;
mod show;
mod store;
mod tables;
mod toolchain;
mod variable;
mod vault;

pub use self::{
    access::{Access, AccessError, ModeWord},
    all::Settings,
    ansible::{Ansible, Variables},
    error::Error,
    history::History,
    inputs::{CommandLine, Environment, Inputs},
    isolation::IsolationLevel,
    limits::Limits,
    load::Loaded,
    log::{Log, LogFormat},
    origin::{Origin, Origins},
    paths::Paths,
    platforms::{Platform, PlatformKind, TasksWithoutMachine},
    projects::Project,
    proxmox::Proxmox,
    ranges::Ranges,
    renamed::{OldNameInUse, RenamedSetting},
    runs::Runs,
    sandbox::NoSandbox,
    secret::{Secret, StoreUrl},
    secrets::Secrets,
    server::{OriginPattern, Server},
    show::Row,
    store::Store,
    vault::{PasswordError, PasswordSource, Vault},
};

pub(crate) use self::{load::OLD_NAMES_END, renamed::RENAMED, variable::variable_of};
