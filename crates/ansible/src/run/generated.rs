//! Inventories that are generated for a run, such as those of ranges, how their machines are reached by SSH, and where their files are.
//!
//! ```text
//! <runtime>/<short run id>/
//!   connect                 the socket of `connections.rs`, if a machine needs a command to be reached
//!   inventories/connect.py  asks that socket
//!   inventories/NAME/       hosts.yml, ssh_config, known_hosts, key
//! ```

use std::{
    collections::BTreeMap,
    net::IpAddr,
    path::{Path, PathBuf},
};

use model::RunId;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// The directory of all generated inventories, below that for secrets.
pub(super) const INVENTORIES: &str = "inventories";
/// The socket for connections, below the directory for secrets.
const SOCKET: &str = "connect";

/// An inventory that is generated for a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct GeneratedInventory {
    /// Its place among all inventories of the run, from 0: later ones win.
    pub position: usize,
    /// The name of its directory: letters, digits, and `-`.
    pub name: String,
    /// The inventory as YAML. Its hosts use the configuration for SSH at [`ssh_config_path`], in which machines are found by name.
    pub text: String,
    /// The private key for all machines, as a file of OpenSSH.
    #[serde(serialize_with = "into_the_pipe")]
    pub private_key: SecretString,
    /// How the machines are reached.
    pub machines: Vec<SshMachine>,
}

/// How a machine is reached by SSH.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SshMachine {
    /// Its name: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Its address. Other machines of the same inventory can have the same one.
    pub address: IpAddr,
    /// The port of its SSH server.
    pub port: u16,
    /// The user to log in as.
    pub user: String,
    /// Its public host keys, each an algorithm and a key. If there are none, the first key that it shows is accepted for the run.
    pub host_keys: Vec<String>,
    /// The way to it.
    pub way: Way,
}

/// The way to a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Its address can be reached from here.
    Direct,
    /// A command that connects to it, and passes the socket through its standard output. The supervisor executes it.
    Command(Vec<String>),
    /// Another machine of the same inventory forwards connections to it.
    Through(String),
}

/// Where the configuration for SSH of a generated inventory is while the run lasts.
#[must_use]
pub fn ssh_config_path(runtime: &Path, run: RunId, name: &str) -> PathBuf {
    Files::of(&runtime.join(run.short()), name).ssh_config
}

/// The files of a generated inventory.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) directory: PathBuf,
    pub(super) inventory: PathBuf,
    pub(super) ssh_config: PathBuf,
    pub(super) known_hosts: PathBuf,
    pub(super) key: PathBuf,
}

impl Files {
    pub(super) fn of(secrets: &Path, name: &str) -> Self {
        let directory = secrets.join(INVENTORIES).join(name);
        Self {
            inventory: directory.join("hosts.yml"),
            ssh_config: directory.join("ssh_config"),
            known_hosts: directory.join("known_hosts"),
            key: directory.join("key"),
            directory,
        }
    }
}

/// The socket at which the run asks for connections.
pub(super) fn socket(secrets: &Path) -> PathBuf {
    secrets.join(SOCKET)
}

/// The commands that connect to machines, by the name under which a run asks for them.
pub(super) fn commands(inventories: &[GeneratedInventory]) -> BTreeMap<String, Vec<String>> {
    let of_one = |inventory: &GeneratedInventory| {
        let name = inventory.name.clone();
        let command = move |machine: &SshMachine| match &machine.way {
            Way::Command(command) => Some((requested(&name, &machine.name), command.clone())),
            Way::Direct | Way::Through(_) => None,
        };
        inventory.machines.iter().filter_map(command).collect::<Vec<_>>()
    };
    inventories.iter().flat_map(of_one).collect()
}

/// The name under which a run asks for a connection to a machine.
pub(super) fn requested(inventory: &str, machine: &str) -> String {
    format!("{inventory}/{machine}")
}

fn into_the_pipe<S: serde::Serializer>(key: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(key.expose_secret())
}
