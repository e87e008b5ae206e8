//! Access to Proxmox with the credentials of the inventory, read without Ansible.
//!
//! The credentials are cached until a file of the inventory changes, because decrypting takes about 50 ms per
//! value.

use std::{collections::BTreeSet, sync::Arc};

use content::{catalog::Located, inventory::Source};
use platform::proxmox::{Client, Credentials, Node};
use secrecy::ExposeSecret;
use tokio::{sync::Mutex, task::spawn_blocking};

use super::{
    error::ProxmoxError,
    known::{ProxmoxHosts, read_all},
    options::ProxmoxOptions,
    pollers::Pollers,
};
use crate::{catalog::handle::Catalog, error::CatalogError, jobs::handle::Jobs, options::Vault};

/// The machines of the platforms in the inventory; clones are cheap.
#[derive(Debug, Clone)]
pub struct Machines(Arc<Inner>);

/// State that is shared by the clones.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) options: ProxmoxOptions,
    pub(super) catalog: Catalog,
    pub(super) jobs: Jobs,
    pub(super) pollers: Pollers,
    vault: Vault,
    client: Arc<Client>,
    /// The credentials that were read last, with the fingerprint of their files.
    known: Mutex<Option<(String, Arc<ProxmoxHosts>)>>,
}

impl Machines {
    pub(crate) fn new(options: ProxmoxOptions, catalog: Catalog, jobs: Jobs, vault: Vault) -> Self {
        let client = Arc::new(Client::new(options.client.clone()));
        let pollers = Pollers::new();
        Self(Arc::new(Inner { options, catalog, jobs, pollers, vault, client, known: Mutex::default() }))
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }

    /// A Proxmox node, for reads without Ansible.
    ///
    /// # Errors
    /// When the inventory contains no usable credentials. The caller must use Ansible instead.
    pub async fn node(&self, node: &str) -> Result<Node, ProxmoxError> {
        let credentials = self.credentials(Some(node)).await?;
        Ok(self.node_with(credentials, node))
    }

    pub(super) fn node_with(&self, credentials: Credentials, node: &str) -> Node {
        Node::new(Arc::clone(&self.0.client), credentials, node.to_owned())
    }

    /// The credentials for a node: those of the host of the group `proxmox` that acts for it. Without a node, those
    /// of the first host that has an API.
    ///
    /// # Errors
    /// When there are no credentials, or only Ansible can evaluate them.
    pub(super) async fn credentials(&self, node: Option<&str>) -> Result<Credentials, ProxmoxError> {
        let known = self.known().await?;
        let host = known.host_of(node).ok_or(ProxmoxError::NoCredentials)?;
        host.credentials.clone().map_err(|fault| fault.of(&host.name))?.ok_or(ProxmoxError::NoCredentials)
    }

    /// The host that acts for a node, if the group `proxmox` of the default inventory has several hosts; `None` if
    /// it has one, or if only Ansible can read the inventory.
    pub async fn host_of(&self, node: Option<&str>) -> Option<String> {
        let known = self.known().await.ok()?;
        let host = known.host_of(node)?;
        (known.hosts.len() > 1).then(|| host.name.clone())
    }

    /// Every API host of the inventory, the vault file, and the settings. A request that names another host would
    /// make Rangehand send the API token to it.
    pub async fn known_api_hosts(&self) -> BTreeSet<String> {
        let mut hosts: BTreeSet<String> = self.0.options.api_hosts.iter().cloned().collect();
        match self.known().await {
            Ok(known) => hosts.extend(known.api_hosts.iter().cloned()),
            Err(error) => tracing::warn!(error = error.in_full(), "API hosts of the inventory are not known"),
        }
        hosts
    }

    /// The default node, if it is known.
    pub async fn default_node(&self) -> Option<String> {
        self.credentials(None).await.ok().map(|credentials| credentials.node)
    }

    /// The known API tokens, for redaction.
    pub(super) async fn secrets(&self) -> Vec<String> {
        let Ok(known) = self.known().await else { return Vec::new() };
        let tokens = known.hosts.iter().filter_map(|host| host.credentials.as_ref().ok()?.as_ref());
        tokens.map(|credentials| credentials.token_secret.expose_secret().to_owned()).collect()
    }

    /// Whether the inventory selects a role other than the bundled one, or this cannot be determined.
    pub(super) async fn other_role_is_named(&self) -> bool {
        self.known().await.map_or(true, |known| known.names_a_role)
    }

    async fn known(&self) -> Result<Arc<ProxmoxHosts>, ProxmoxError> {
        let catalog = &self.0.catalog;
        let located = catalog.locate_inventories(None, catalog.default_inventory().iter()).await?;
        let source = |located: Located| Source {
            root: located.root,
            path: located.path,
            vault_file: self.0.vault.file.clone(),
        };
        let sources: Vec<Source> = located.into_iter().map(source).collect();
        // Locked while the files are read, so that concurrent callers wait for the same result.
        let mut known = self.0.known.lock().await;
        let to_print = sources.clone();
        let print =
            spawn_blocking(move || to_print.iter().map(Source::fingerprint).collect::<Result<String, _>>())
                .await
                .map_err(CatalogError::from)?
                .map_err(ProxmoxError::unreadable)?;
        if let Some((_, known)) = known.as_ref().filter(|(last, _)| *last == print) {
            return Ok(Arc::clone(known));
        }
        let password = self.0.vault.password.clone();
        let read = spawn_blocking(move || read_all(&sources, password.as_ref()))
            .await
            .map_err(CatalogError::from)?
            .map_err(ProxmoxError::unreadable)?;
        let read = Arc::new(read);
        *known = Some((print, Arc::clone(&read)));
        Ok(read)
    }
}
