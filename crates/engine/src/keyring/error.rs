//! Why secrets cannot be sealed or opened.

use std::{io, path::PathBuf};

/// Why secrets cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file of the keys cannot be used.
    #[error("the key file `{}` cannot be used", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said, or what is wrong with it.
        #[source]
        source: io::Error,
    },
    /// There is no key file, and the caller must not create one.
    #[error("there is no key file `{}`\nhint: the service creates it when it starts; `secrets.key_file` names it", .0.display())]
    Missing(PathBuf),
    /// The secrets are under a key that is not in the file.
    #[error(
        "the secrets are encrypted with the key `{0}`, which is not in the key file of this node\nhint: all nodes of a \
         store need the same key file: `secrets.key_file`"
    )]
    Unknown(String),
    /// The secrets were changed, cut off, or belong to another job.
    #[error("the encrypted secrets are damaged, or belong to another job")]
    Damaged,
    /// The system gave no random bytes.
    #[error("the system returns no random bytes")]
    NoRandom(#[source] io::Error),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] store::Error),
}
