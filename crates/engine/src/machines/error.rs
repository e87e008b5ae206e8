//! Errors of direct Proxmox access.

use std::{error::Error as _, sync::Arc};

use content::inventory;

use crate::error::CatalogError;

/// Why Proxmox could not be queried, or the error that it returned.
#[derive(Debug, thiserror::Error)]
pub enum ProxmoxError {
    /// The inventory contains no API host.
    #[error("no host of the group `proxmox` has a `proxmox_api_host`")]
    NoCredentials,
    /// A value that only Ansible can evaluate.
    #[error("`{variable}` of the host `{host}` is a template or not a string: only Ansible can evaluate it")]
    Unclear {
        /// The host.
        host: String,
        /// Its variable.
        variable: &'static str,
    },
    /// The inventory does not exist or cannot be located.
    #[error(transparent)]
    Content(#[from] CatalogError),
    /// The inventory cannot be read without Ansible.
    #[error("the inventory does not contain the address and credentials of Proxmox")]
    Inventory(#[source] Arc<inventory::Error>),
    /// Proxmox could not be reached, or returned an error.
    #[error(transparent)]
    Api(#[from] platform::proxmox::Error),
}

impl ProxmoxError {
    /// The error with its causes, in one line.
    #[must_use]
    pub fn in_full(&self) -> String {
        let first_line = |text: String| text.lines().next().unwrap_or_default().to_owned();
        let mut text = first_line(self.to_string());
        let mut cause = self.source();
        while let Some(error) = cause {
            let line = first_line(error.to_string());
            // Many causes repeat the text of the error that they cause.
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
