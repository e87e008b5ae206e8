//! Instance keys, which encrypt the secrets of queued jobs, and of ranges.
//!
//! ```text
//! secret values --seal(active key, owner)--> jobs.secrets, range_secrets.secrets
//!                                               '--open(key named in it, owner)--> supervisor's pipe
//! ```
//! The keys are in one file (`file.rs`). The last key encrypts, and all keys decrypt. The file is checked for
//! changes before each use, so a rotation needs no restart. The database alone, a backup of it, or its disk reveals
//! no secret.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use model::{Encrypted, SecretOwner, SecretValue};

use super::{
    error::KeyError,
    file::{self, Key, Keys, Stamp},
    seal,
};

/// The keys of this node.
#[derive(Debug)]
pub struct Keyring {
    pub(super) path: PathBuf,
    known: Mutex<(Stamp, Arc<Keys>)>,
}

impl Keyring {
    /// Reads the key file; creates it with a new key if it does not exist.
    ///
    /// # Errors
    /// When the file cannot be read or created, is accessible to other users, or is invalid.
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File { path: path.to_owned(), source };
        if !path.try_exists().map_err(failed)? {
            let key = Key::generate()?;
            match file::create(path, &Keys(vec![key])) {
                // Another process created the file first. Use its key.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                other => other.map_err(failed)?,
            }
        }
        let known = file::read(path).map_err(failed)?;
        Ok(Self { path: path.to_owned(), known: Mutex::new(known) })
    }

    /// Reads the key file, for commands that run in addition to the service.
    ///
    /// # Errors
    /// [`KeyError::Missing`] if the file does not exist; otherwise as [`Self::open`].
    pub fn open_existing(path: &Path) -> Result<Self, KeyError> {
        match path.try_exists() {
            Ok(false) => Err(KeyError::Missing(path.to_owned())),
            Ok(true) | Err(_) => Self::open(path),
        }
    }

    /// Encrypts the secret values of a job or range. The result cannot be decrypted for another one.
    ///
    /// # Errors
    /// When the key file cannot be read.
    pub fn seal(&self, owner: impl Into<SecretOwner>, secrets: &SecretValue) -> Result<Encrypted, KeyError> {
        seal::seal(self.keys()?.active(), owner.into(), secrets)
    }

    /// Decrypts the secret values of a job or range.
    ///
    /// # Errors
    /// When the key is not in the file, or the data is not what was encrypted for this owner.
    pub fn unseal(&self, owner: impl Into<SecretOwner>, sealed: &Encrypted) -> Result<SecretValue, KeyError> {
        let id = seal::key_of(sealed).ok_or(KeyError::Damaged)?;
        let keys = self.keys()?;
        let key = keys.find(id).ok_or_else(|| KeyError::Unknown(id.to_owned()))?;
        seal::unseal(key, owner.into(), sealed)
    }

    /// A keyed hash of secret values. Without the key, guesses cannot be tested against it.
    ///
    /// # Errors
    /// When the key file cannot be read.
    pub(crate) fn fingerprint(&self, secrets: &SecretValue) -> Result<[u8; 32], KeyError> {
        seal::fingerprint(self.keys()?.active(), secrets)
    }

    pub(super) fn keys(&self) -> Result<Arc<Keys>, KeyError> {
        let failed = |source| KeyError::File { path: self.path.clone(), source };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if file::stamp(&self.path).map_err(failed)? != known.0 {
            *known = file::read(&self.path).map_err(failed)?;
        }
        Ok(Arc::clone(&known.1))
    }
}
