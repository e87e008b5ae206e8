//! Errors of the keyring.

use std::{io, path::PathBuf};

/// Why secrets cannot be encrypted or decrypted.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key file cannot be used.
    #[error("the key file `{}` cannot be used", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the operating system, or the problem with the content.
        #[source]
        source: io::Error,
    },
    /// The key file does not exist, and the caller must not create one.
    #[error("there is no key file `{}`\nhint: the service creates it when it starts; `secrets.key_file` names it", .0.display())]
    Missing(PathBuf),
    /// The secrets are encrypted with a key that is not in the file.
    #[error(
        "the secrets are encrypted with the key `{0}`, which is not in the key file of this node\nhint: all nodes of a \
         store need the same key file: `secrets.key_file`"
    )]
    Unknown(String),
    /// The secrets are corrupt or truncated, or belong to another job or range.
    #[error("the encrypted secrets are damaged, or belong to another job or range")]
    Damaged,
    /// The operating system returned no random bytes.
    #[error("the system returns no random bytes")]
    NoRandom(#[source] io::Error),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] store::Error),
}
