//! Why Proxmox was not asked, or what it answered instead.

use std::{error::Error as _, sync::Arc};

use content::inventory;

use crate::error::CatalogError;

/// Why Proxmox was not asked, or what it answered instead.
#[derive(Debug, thiserror::Error)]
pub enum ProxmoxError {
    /// The inventory names no API.
    #[error("no host of the group `proxmox` has a `proxmox_api_host`")]
    NoCredentials,
    /// Only Ansible can evaluate a value.
    #[error("`{variable}` of the host `{host}` is a template or not a string: only Ansible can evaluate it")]
    Unclear {
        /// The host.
        host: String,
        /// Its variable.
        variable: &'static str,
    },
    /// The inventory does not exist or cannot be looked up.
    #[error(transparent)]
    Content(#[from] CatalogError),
    /// The inventory cannot be read without Ansible.
    #[error("the inventory does not contain the address and credentials of Proxmox")]
    Inventory(#[source] Arc<inventory::Error>),
    /// Proxmox was not reached, or refused.
    #[error(transparent)]
    Api(#[from] platform::proxmox::Error),
}

impl ProxmoxError {
    /// What failed, with its causes, in one line.
    #[must_use]
    pub fn in_full(&self) -> String {
        let first_line = |text: String| text.lines().next().unwrap_or_default().to_owned();
        let mut text = first_line(self.to_string());
        let mut cause = self.source();
        while let Some(error) = cause {
            let line = first_line(error.to_string());
            // Causes often repeat what they cause.
            if !text.contains(&line) {
                text = format!("{text}: {line}");
            }
            cause = error.source();
        }
        text
    }

    pub(super) fn unreadable(error: inventory::Error) -> Self {
        Self::Inventory(Arc::new(error))
    }
}
