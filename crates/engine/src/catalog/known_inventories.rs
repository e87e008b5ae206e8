//! What an inventory says before Ansible reads it: the secrets that it and the vault file hold under names that say so, which
//! no run may print, and the files that it names for connections.
//!
//! Both are read without Ansible, as far as that goes, and kept as long as the files do not change: each vault takes some
//! 50 ms. What cannot be read (an inventory that is a program, say) leaves the vault file's alone.

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

/// So many inventories are remembered.
const MOST: usize = 64;

/// Reads inventories, and remembers what they say; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct KnownInventories(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    vault: Vault,
    /// The home directory of runs.
    home: Option<PathBuf>,
    /// By inventory: what is known of it.
    known: Mutex<HashMap<PathBuf, Arc<Known>>>,
}

/// What is known of an inventory as long as its files do not change.
#[derive(Debug)]
pub(crate) struct Known {
    /// What the files were like; empty when they can't be looked at.
    fingerprint: String,
    /// The secrets in it.
    pub(crate) secrets: Vec<SecretString>,
    /// The files that it names for connections, whether they exist or not.
    pub(crate) connection_files: BTreeSet<PathBuf>,
}

impl KnownInventories {
    pub(crate) fn new(vault: Vault, home: Option<PathBuf>) -> Self {
        Self(Arc::new(Inner { vault, home, known: Mutex::default() }))
    }

    /// What is known of each of these inventories.
    pub(crate) async fn all(&self, inventories: &[Located]) -> Vec<Arc<Known>> {
        let mut all = Vec::with_capacity(inventories.len());
        for inventory in inventories {
            all.extend(self.one(&inventory.root, &inventory.path).await);
        }
        all
    }

    async fn one(&self, root: &Path, inventory: &Path) -> Option<Arc<Known>> {
        let key = root.join(inventory);
        let source = Source {
            root: root.to_owned(),
            path: inventory.to_owned(),
            vault_file: self.0.vault.file.clone(),
        };
        // Held while they are read: who comes meanwhile waits for the same answer.
        let mut known = self.0.known.lock().await;
        let last = known.get(&key).cloned();
        let password = self.0.vault.password.clone();
        let home = self.0.home.clone();
        let read = spawn_blocking(move || {
            // What cannot be looked at has no fingerprint, and is read each time.
            let fingerprint = source.fingerprint().unwrap_or_default();
            match last {
                Some(last) if last.fingerprint == fingerprint && !fingerprint.is_empty() => last,
                _ => Arc::new(Known {
                    fingerprint,
                    secrets: inventory::secrets(&source, password.as_ref()),
                    connection_files: inventory::connection_files(&source, home.as_deref()),
                }),
            }
        });
        let read =
            read.await.inspect_err(|error| tracing::error!(%error, "an inventory cannot be read")).ok()?;
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(key, Arc::clone(&read));
        Some(read)
    }
}
