//! Reads that ask Proxmox itself: what an API answers, without a second of Ansible.

use serde_json::Value;

use crate::{Engine, ProxmoxError};

impl Engine {
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
