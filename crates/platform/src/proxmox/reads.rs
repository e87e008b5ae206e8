//! Typed reads of one Proxmox node: the paths of the API, and which records are there.
//!
//! Every call is one `GET`. How a reply to a client looks is not decided here.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    client::Client,
    credentials::Credentials,
    error::Error,
    machine_config::MachineConfig,
    records::{FirewallAlias, FirewallRule, Interface, Machine, Snapshot, Storage, Volume},
};

/// A node of a Proxmox cluster, with the credentials to read it.
#[derive(Debug, Clone)]
pub struct Node {
    client: Arc<Client>,
    credentials: Credentials,
    name: String,
}

/// What a storage contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VolumeKind {
    /// Images of CDs.
    Iso,
    /// Templates of containers.
    ContainerTemplate,
}

impl VolumeKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Iso => "iso",
            Self::ContainerTemplate => "vztmpl",
        }
    }
}

/// Lists are `None` where the API returns `null`.
///
/// # Errors
/// Each call fails when Proxmox isn't reached or refuses, and when the answer has another shape.
#[expect(clippy::missing_errors_doc, reason = "said once, for all calls")]
impl Node {
    /// The node of this name.
    #[must_use]
    pub const fn new(client: Arc<Client>, credentials: Credentials, name: String) -> Self {
        Self { client, credentials, name }
    }

    /// Virtual machines.
    pub async fn machines(&self) -> Result<Option<Vec<Machine>>, Error> {
        self.list(&["qemu"], &[]).await
    }

    /// Virtual machines as the API describes them.
    pub async fn machine_values(&self) -> Result<Option<Vec<Value>>, Error> {
        self.values(&["qemu"], &[]).await
    }

    /// Containers.
    pub async fn containers(&self) -> Result<Option<Vec<Machine>>, Error> {
        self.list(&["lxc"], &[]).await
    }

    /// The configuration of a machine.
    pub async fn machine_config(&self, machine: &str) -> Result<MachineConfig, Error> {
        self.get(&["qemu", machine, "config"], &[]).await.map(MachineConfig::new)
    }

    /// Snapshots of a machine.
    pub async fn snapshots(&self, machine: &str) -> Result<Option<Vec<Snapshot>>, Error> {
        self.list(&["qemu", machine, "snapshot"], &[]).await
    }

    /// Aliases of a machine's firewall.
    pub async fn firewall_aliases(&self, machine: &str) -> Result<Option<Vec<FirewallAlias>>, Error> {
        self.list(&["qemu", machine, "firewall", "aliases"], &[]).await
    }

    /// Rules of a machine's firewall.
    pub async fn firewall_rules(&self, machine: &str) -> Result<Option<Vec<FirewallRule>>, Error> {
        self.list(&["qemu", machine, "firewall", "rules"], &[]).await
    }

    /// Storages.
    pub async fn storages(&self) -> Result<Option<Vec<Storage>>, Error> {
        self.list(&["storage"], &[]).await
    }

    /// Volumes of a kind in a storage.
    pub async fn volumes(&self, storage: &str, kind: VolumeKind) -> Result<Option<Vec<Volume>>, Error> {
        self.list(&["storage", storage, "content"], &[("content", kind.as_str())]).await
    }

    /// Network interfaces of the node.
    pub async fn interfaces(&self) -> Result<Option<Vec<Interface>>, Error> {
        self.list(&["network"], &[]).await
    }

    async fn list<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Option<Vec<T>>, Error> {
        let record = |item: Value| match item {
            Value::Object(_) => {
                serde_json::from_value(item).map_err(|error| self.unreadable(error.to_string()))
            }
            _ => Err(self.unreadable("a list has something else than objects".to_owned())),
        };
        let items = self.values(path, query).await?;
        items.map(|items| items.into_iter().map(record).collect()).transpose()
    }

    async fn values(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Option<Vec<Value>>, Error> {
        match self.get(path, query).await? {
            Value::Array(items) => Ok(Some(items)),
            Value::Null => Ok(None),
            _ => Err(self.no_list()),
        }
    }

    async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Value, Error> {
        let path = [&["nodes", self.name.as_str()], path].concat();
        self.client.get(&self.credentials, &path, query).await
    }

    /// The error for an answer that is not a list.
    #[must_use]
    pub fn no_list(&self) -> Error {
        Error::NoList { host: self.credentials.api_host.clone() }
    }

    fn unreadable(&self, why: String) -> Error {
        Error::Unreadable { host: self.credentials.api_host.clone(), why }
    }
}
