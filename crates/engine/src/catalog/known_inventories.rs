//! Static data of inventories: secrets in the inventory and the vault file (recognized by variable name), which
//! must not appear in output, and the files that connections use.
//!
//! Both are read without Ansible as far as possible, and cached until the files change: decrypting a vault takes
//! about 50 ms. When an inventory cannot be read (an inventory script, for example), only the secrets of the vault
//! file are known.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
};

use content::{
    catalog::Located,
    inventory::{self, Source},
};
use secrecy::SecretString;
use tokio::{sync::Mutex, task::spawn_blocking};

use crate::options::Vault;

/// Maximum number of cached inventories.
const MAX_INVENTORIES: usize = 64;

/// Reads inventories and caches their data; clones share the cache.
#[derive(Debug, Clone)]
pub(crate) struct KnownInventories(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    vault: Vault,
    /// The home directory in which runs resolve `~`.
    home: Option<PathBuf>,
    /// Data by inventory path.
    known: Mutex<HashMap<PathBuf, Arc<InventoryData>>>,
}

/// Static data of an inventory, valid until its files change.
#[derive(Debug)]
pub(crate) struct InventoryData {
    /// Fingerprint of the files; empty when it cannot be determined.
    fingerprint: String,
    /// Secrets of the inventory.
    pub(crate) secrets: Vec<SecretString>,
    /// Files that it names for connections, whether or not they exist.
    pub(crate) connection_files: BTreeSet<PathBuf>,
}

impl KnownInventories {
    pub(crate) fn new(vault: Vault, home: Option<PathBuf>) -> Self {
        Self(Arc::new(Inner { vault, home, known: Mutex::default() }))
    }

    /// The static data of each of these inventories.
    pub(crate) async fn all(&self, inventories: &[Located]) -> Vec<Arc<InventoryData>> {
        let mut all = Vec::with_capacity(inventories.len());
        for inventory in inventories {
            all.extend(self.one(&inventory.root, &inventory.path).await);
        }
        all
    }

    async fn one(&self, root: &Path, inventory: &Path) -> Option<Arc<InventoryData>> {
        let key = root.join(inventory);
        let source = Source {
            root: root.to_owned(),
            path: inventory.to_owned(),
            vault_file: self.0.vault.file.clone(),
        };
        // Locked while an inventory is read, so that concurrent callers wait for the same result.
        let mut known = self.0.known.lock().await;
        let last = known.get(&key).cloned();
        let password = self.0.vault.password.clone();
        let home = self.0.home.clone();
        let read = spawn_blocking(move || {
            // Without a fingerprint, the inventory is read each time.
            let fingerprint = source.fingerprint().unwrap_or_default();
            match last {
                Some(last) if last.fingerprint == fingerprint && !fingerprint.is_empty() => last,
                _ => Arc::new(InventoryData {
                    fingerprint,
                    secrets: inventory::secrets(&source, password.as_ref()),
                    connection_files: inventory::connection_files(&source, home.as_deref()),
                }),
            }
        });
        let read =
            read.await.inspect_err(|error| tracing::error!(%error, "an inventory cannot be read")).ok()?;
        if known.len() >= MAX_INVENTORIES {
            known.clear();
        }
        known.insert(key, Arc::clone(&read));
        Some(read)
    }
}
