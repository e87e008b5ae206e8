//! The specification of a run, which the service passes to a supervisor.
//!
//! It contains secrets, so it is only transmitted through a pipe, from the service's memory to the supervisor's.

use std::path::PathBuf;

use content::{Source, snapshots};
use model::{ExtraVars, Find, HostPattern, RunId, SecretVars, Tags, TaskName};
use process::{Isolation, Limits};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};

use crate::run::generated::GeneratedInventory;

/// Everything about one run.
///
/// Not shown by `Debug`: variables and environment may hold secrets.
#[derive(Serialize, Deserialize)]
pub struct RunSpec {
    /// Its name.
    pub run: RunId,
    /// Where its content comes from.
    pub source: Source,
    /// How the run sees it, and what becomes of what it writes there.
    pub content: snapshots::Options,
    /// Inventories besides those of the content.
    pub generated: Vec<GeneratedInventory>,
    /// What is run, one after the other; at least one.
    pub steps: Vec<RunStep>,
    /// Values that must not be kept wherever they turn up, besides those that are here as such.
    #[serde(serialize_with = "all_into_the_pipe")]
    pub secrets: Vec<SecretString>,
    /// Opens vaults.
    #[serde(serialize_with = "into_the_pipe")]
    pub vault_password: Option<SecretString>,
    /// ansible-runner.
    pub program: PathBuf,
    /// The environment, whole.
    pub environment: Vec<(String, String)>,
    /// The shared parent of all runs' secrets.
    pub runtime: PathBuf,
    /// Where facts are kept for later runs, if they are.
    pub facts: Option<Facts>,
    /// What the run may use.
    pub limits: Limits,
    /// How far it is kept from everything else.
    pub isolation: Isolation,
}

/// The part of a request that becomes options of ansible-playbook.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PlaybookOptions {
    /// `--limit`
    pub limit: Option<HostPattern>,
    /// `--start-at-task`
    pub start_at_task: Option<TaskName>,
    /// `--tags`
    pub tags: Option<Tags>,
    /// `--skip-tags`
    pub skip_tags: Option<Tags>,
    /// `--check`
    pub check: bool,
    /// `--diff`
    pub diff: bool,
    /// How many `v`s, 0 to 5.
    pub verbosity: u8,
    /// `--forks`
    pub forks: Option<u16>,
}

/// Where facts of hosts are kept for later runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The directory of this inventory's.
    pub directory: PathBuf,
    /// For how many seconds they count.
    pub seconds: u64,
}

/// One execution of Ansible within a run.
#[derive(Serialize, Deserialize)]
pub struct RunStep {
    /// The playbook, relative to the playbooks root.
    pub playbook: PathBuf,
    /// Options of ansible-playbook.
    pub options: PlaybookOptions,
    /// Its variables.
    pub extra_vars: ExtraVars,
    /// Its secret variables.
    #[serde(with = "secret_vars")]
    pub secret_vars: SecretVars,
    /// What is looked up in its results.
    pub find: Option<Find>,
}

fn all_into_the_pipe<S: Serializer>(secrets: &[SecretString], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(secrets.iter().map(ExposeSecret::expose_secret))
}

/// Secret variables with their values.
mod secret_vars {
    use model::{SecretValue, SecretVars};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::{Map, Value};

    pub(super) fn serialize<S: Serializer>(vars: &SecretVars, serializer: S) -> Result<S::Ok, S::Error> {
        let values =
            vars.expose().ok_or_else(|| serde::ser::Error::custom("a secret variable has no value"))?;
        values.expose().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretVars, D::Error> {
        let values = Map::<String, Value>::deserialize(deserializer)?;
        let names = values.keys().map(|name| Value::from(name.as_str())).collect();
        let mut vars: SecretVars = serde_json::from_value(names).map_err(serde::de::Error::custom)?;
        vars.give_back(&SecretValue::new(values.into()));
        Ok(vars)
    }
}

/// The only place where the password is written: the pipe to the supervisor.
fn into_the_pipe<S: Serializer>(password: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    password.as_ref().map(ExposeSecret::expose_secret).serialize(serializer)
}
