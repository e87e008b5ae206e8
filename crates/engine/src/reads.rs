//! Reads that ask Proxmox itself: what an API answers, without a second of Ansible.

use std::path::PathBuf;

use ansible::{command::USUAL_ROLES, shipped};
use model::ContentRef;
use serde_json::Value;
use tokio::task::spawn_blocking;

use crate::{Engine, ProxmoxError};

/// When reads ask Proxmox itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectReads {
    /// When playbook and role are ours, so that the answer is the same.
    Auto,
    /// Whenever the inventory tells how Proxmox is reached.
    Always,
    /// Never: Ansible is asked.
    Never,
}

impl Engine {
    /// May this content, the playbook of all actions, be passed over for a read?
    pub async fn reads_directly(&self, generic: &ContentRef) -> bool {
        match self.options().proxmox.direct_reads {
            DirectReads::Always => true,
            DirectReads::Never => false,
            DirectReads::Auto => self.generic_is_ours(generic).await,
        }
    }

    async fn generic_is_ours(&self, generic: &ContentRef) -> bool {
        let Ok(located) = self.locate(generic.clone()).await else { return false };
        if self.other_role_is_named().await {
            return false;
        }
        let variables: std::collections::BTreeMap<_, _> = self.options().toolchain.variables().collect();
        if variables.contains_key(std::ffi::OsStr::new("ANSIBLE_CONFIG")) {
            return false;
        }
        let home = variables.get(std::ffi::OsStr::new("HOME")).map(PathBuf::from).unwrap_or_default();
        let roles_path = match variables.get(std::ffi::OsStr::new("ANSIBLE_ROLES_PATH")) {
            Some(path) => std::env::split_paths(path).collect(),
            None => USUAL_ROLES.map(PathBuf::from).to_vec(),
        };
        let absolute = |path: PathBuf| path.strip_prefix("~").map(|rest| home.join(rest)).unwrap_or(path);
        let roles_path: Vec<PathBuf> = roles_path.into_iter().map(absolute).collect();
        spawn_blocking(move || shipped::is_ours(&located.root, &located.path, &roles_path))
            .await
            .unwrap_or(false)
    }
    /// What the API of a host of the group `proxmox` (of its only one where none is named) has at a path below
    /// `/api2/json`. The parts of the path may hold anything.
    ///
    /// # Errors
    /// [`ProxmoxError::Api`] is Proxmox's own answer; every other one says that Ansible has to be asked instead.
    pub async fn proxmox_get(
        &self,
        host: Option<&str>,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Value, ProxmoxError> {
        let credentials = self.proxmox_credentials_of(host).await?;
        Ok(self.inner.proxmox.client.get(&credentials, path, query).await?)
    }
}
