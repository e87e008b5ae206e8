//! How Proxmox is reached: what the inventory says, without asking Ansible.
//!
//! The inventory is read again when one of its files has changed, and remembered otherwise: decrypting takes some 50 ms
//! per value.

use std::{collections::BTreeSet, sync::Arc};

use content::{catalog::Located, inventory::Source};
use platform::proxmox::{Client, Credentials, Node};
use secrecy::ExposeSecret;
use tokio::{sync::Mutex, task::spawn_blocking};

use super::{
    error::ProxmoxError,
    known::{Known, read_all},
    options::ProxmoxOptions,
    pollers::Pollers,
};
use crate::{catalog::handle::Catalog, error::CatalogError, jobs::handle::Jobs, options::Vault};

/// The machines of the platforms that the inventory names; clones are cheap.
#[derive(Debug, Clone)]
pub struct Machines(Arc<Inner>);

/// What machines need.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) options: ProxmoxOptions,
    pub(super) catalog: Catalog,
    pub(super) jobs: Jobs,
    pub(super) pollers: Pollers,
    vault: Vault,
    client: Arc<Client>,
    /// What the inventories said last, with their fingerprint.
    known: Mutex<Option<(String, Arc<Known>)>>,
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

    /// A node of Proxmox, to be read without Ansible.
    ///
    /// # Errors
    /// When the inventory does not say how it is reached: Ansible has to be asked instead.
    pub async fn node(&self, node: &str) -> Result<Node, ProxmoxError> {
        let credentials = self.credentials(Some(node)).await?;
        Ok(self.node_with(credentials, node))
    }

    pub(super) fn node_with(&self, credentials: Credentials, node: &str) -> Node {
        Node::new(Arc::clone(&self.0.client), credentials, node.to_owned())
    }

    /// The credentials for a node: those of the host of the group `proxmox` that acts for it. Without a node, those of the
    /// first host that has an API.
    ///
    /// # Errors
    /// When there are none, or only Ansible can evaluate them.
    pub(super) async fn credentials(&self, node: Option<&str>) -> Result<Credentials, ProxmoxError> {
        let known = self.known().await?;
        let host = known.host_of(node).ok_or(ProxmoxError::NoCredentials)?;
        host.credentials.clone().map_err(|fault| fault.of(&host.name))?.ok_or(ProxmoxError::NoCredentials)
    }

    /// The host that acts for a node, where the group `proxmox` of the default inventory has several; `None` where it has
    /// one, or where only Ansible can read the inventory.
    pub async fn host_of(&self, node: Option<&str>) -> Option<String> {
        let known = self.known().await.ok()?;
        let host = known.host_of(node)?;
        (known.hosts.len() > 1).then(|| host.name.clone())
    }

    /// Every API host that is known from the inventory, the vault file or the settings. A request that names another
    /// one would make us send the token to it.
    pub async fn known_api_hosts(&self) -> BTreeSet<String> {
        let mut hosts: BTreeSet<String> = self.0.options.api_hosts.iter().cloned().collect();
        match self.known().await {
            Ok(known) => hosts.extend(known.api_hosts.iter().cloned()),
            Err(error) => tracing::warn!(error = error.in_full(), "API hosts of the inventory are not known"),
        }
        hosts
    }

    /// The node that is meant where none is named, as far as that is known.
    pub async fn default_node(&self) -> Option<String> {
        self.credentials(None).await.ok().map(|credentials| credentials.node)
    }

    /// The tokens that are known, as values that nothing may show.
    pub(super) async fn secrets(&self) -> Vec<String> {
        let Ok(known) = self.known().await else { return Vec::new() };
        let tokens = known.hosts.iter().filter_map(|host| host.credentials.as_ref().ok()?.as_ref());
        tokens.map(|credentials| credentials.token_secret.expose_secret().to_owned()).collect()
    }

    /// Whether the inventory names another role than the bundled one, or that cannot be determined.
    pub(super) async fn other_role_is_named(&self) -> bool {
        self.known().await.map_or(true, |known| known.names_a_role)
    }

    async fn known(&self) -> Result<Arc<Known>, ProxmoxError> {
        let catalog = &self.0.catalog;
        let located = catalog.locate_inventories(None, catalog.default_inventory()).await?;
        let source = |located: Located| Source {
            root: located.root,
            path: located.path,
            vault_file: self.0.vault.file.clone(),
        };
        let sources: Vec<Source> = located.into_iter().map(source).collect();
        // Locked while it is read: others wait for the same answer.
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
