//! Key rotation: adds a key, re-encrypts the stored secrets with it, and removes keys that are no longer used.

use std::{path::Path, time::Duration};

use jiff::Timestamp;
use store::{SealedCount, Store};

use super::{
    error::KeyError,
    file::{self, Key, Keys},
    handle::Keyring,
};

/// Number of jobs or ranges that are read at once.
const PAGE: u32 = 500;
/// A service that read the file just before the change may still store a job with the old key.
const LATE_JOBS: Duration = Duration::from_secs(2);

/// A key and what it is used for.
#[derive(Debug)]
pub struct KeyUse {
    /// Its name.
    pub id: String,
    /// When it was created; `None` when it is not in the file.
    pub made_at: Option<Timestamp>,
    /// Whether it is the key that encrypts.
    pub is_active: bool,
    /// Number of jobs whose secrets are encrypted with it.
    pub jobs: u64,
    /// Number of ranges whose secrets are encrypted with it.
    pub ranges: u64,
}

/// The result of a rotation.
#[derive(Debug, Default)]
pub struct Rotation {
    /// The key that encrypts from now on.
    pub active: String,
    /// Number of jobs and ranges whose secrets were re-encrypted.
    pub resealed: u64,
    /// Keys that were removed.
    pub retired: Vec<String>,
    /// Number of jobs and ranges whose secrets could not be decrypted because their keys are not in the file.
    pub left: u64,
}

impl Keyring {
    /// The keys, oldest first, with the number of jobs and ranges. Keys that only the store refers to come last.
    ///
    /// # Errors
    /// When the file or the store cannot be read.
    pub async fn uses(&self, store: &Store) -> Result<Vec<KeyUse>, KeyError> {
        let mut encrypted = store.encrypted_by_key().await?;
        let keys = self.keys()?;
        let active = &keys.active().id;
        let of = |id: String, made_at: Option<Timestamp>, SealedCount { jobs, ranges }| {
            let is_active = id == *active;
            KeyUse { id, made_at, is_active, jobs, ranges }
        };
        let mut uses: Vec<KeyUse> = keys
            .0
            .iter()
            .map(|key| {
                let count = encrypted.remove(&key.id).unwrap_or_default();
                of(key.id.clone(), Some(key.made_at), count)
            })
            .collect();
        uses.extend(encrypted.into_iter().map(|(id, count)| of(id, None, count)));
        Ok(uses)
    }

    /// Adds a key, re-encrypts the stored secrets with it, and removes keys that are no longer used.
    ///
    /// # Errors
    /// When the file or the store fails. Completed steps are kept, and another rotation continues from them.
    pub async fn rotate(&self, store: &Store) -> Result<Rotation, KeyError> {
        let active = self.change(|keys| {
            let key = Key::generate()?;
            let id = key.id.clone();
            keys.push(key);
            Ok(id)
        })?;
        let mut rotation = Rotation { active: active.clone(), ..Rotation::default() };
        self.reseal_all(store, &mut rotation).await?;
        tokio::time::sleep(LATE_JOBS).await;
        self.reseal_all(store, &mut rotation).await?;
        let used = store.encrypted_by_key().await?;
        rotation.retired = self.change(|keys| {
            let is_idle = |key: &Key| key.id != active && !used.contains_key(&key.id);
            let retired = keys.iter().filter(|key| is_idle(key)).map(|key| key.id.clone()).collect();
            keys.retain(|key| !is_idle(key));
            Ok(retired)
        })?;
        Ok(rotation)
    }

    async fn reseal_all(&self, store: &Store, rotation: &mut Rotation) -> Result<(), KeyError> {
        let mut after = None;
        rotation.left = 0;
        loop {
            let page = store.encrypted_with_other_keys(&rotation.active, after, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(*last);
            for (owner, old) in page {
                match self.unseal(owner, &old).and_then(|secrets| self.seal(owner, &secrets)) {
                    Ok(new) => rotation.resealed += u64::from(store.reseal(owner, &old, &new).await?),
                    Err(KeyError::Unknown(_) | KeyError::Damaged) => rotation.left += 1,
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// Changes the file under a lock.
    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&mut Vec<Key>) -> Result<T, KeyError>,
    ) -> Result<T, KeyError> {
        let path: &Path = &self.path;
        let failed = |source| KeyError::File { path: path.to_owned(), source };
        let _lock = file::lock(path).map_err(failed)?;
        let mut keys = self.keys()?.0.clone();
        let changed = change(&mut keys)?;
        file::replace(path, &Keys(keys)).map_err(failed)?;
        Ok(changed)
    }
}
