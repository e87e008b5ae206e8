//! The secrets that an inventory and the vault file hold under names that say so: no run may print them.
//!
//! They are read without Ansible, as far as that goes, and kept as long as the files do not change: each vault takes some
//! 50 ms. What cannot be read (an inventory that is a program, say) leaves the vault file's alone.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use ansible::{
    catalog::Located,
    inventory::{self, Source},
};
use secrecy::SecretString;
use tokio::{sync::Mutex, task::spawn_blocking};

use crate::Engine;

/// So many inventories are remembered.
const MOST: usize = 64;

/// By inventory: what its files were like, and their secrets.
pub(crate) type KnownSecrets = Mutex<HashMap<PathBuf, (String, Arc<[SecretString]>)>>;

impl Engine {
    /// The secrets that a run against these inventories may come to know.
    pub(crate) async fn secrets_of_content(&self, inventories: &[Located]) -> Vec<SecretString> {
        let mut all = Vec::new();
        for inventory in inventories {
            all.extend(self.secrets_of_inventory(&inventory.root, &inventory.path).await);
        }
        all
    }

    async fn secrets_of_inventory(&self, root: &Path, inventory: &Path) -> Vec<SecretString> {
        let key = root.join(inventory);
        let options = self.options();
        let source = Source {
            root: root.to_owned(),
            path: inventory.to_owned(),
            vault_file: options.vault_file.clone(),
        };
        // Held while they are read: who comes meanwhile waits for the same answer.
        let mut known = self.inner.known_secrets.lock().await;
        let last = known.get(&key).cloned();
        let password = options.vault_password.clone();
        let read = spawn_blocking(move || {
            // What cannot be looked at has no fingerprint, and is read each time.
            let print = source.fingerprint().unwrap_or_default();
            match last {
                Some((last, secrets)) if last == print && !print.is_empty() => (print, secrets),
                _ => (print, inventory::secrets(&source, password.as_ref()).into()),
            }
        });
        let (print, secrets) = match read.await {
            Ok(read) => read,
            Err(error) => {
                tracing::error!(%error, "the secrets of an inventory cannot be read");
                return Vec::new();
            }
        };
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(key, (print, Arc::clone(&secrets)));
        secrets.to_vec()
    }
}
