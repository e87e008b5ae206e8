//! Why the value of a variable can't be read from an inventory.

use std::{io, path::PathBuf};

use crate::{catalog::BeneathError, vault};

/// Why the value of a variable is unknown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the inventory cannot be opened.
    #[error("the inventory cannot be read")]
    Unreadable(#[from] BeneathError),
    /// The file of encrypted variables cannot be opened.
    #[error("the vault file `{}` cannot be read", .path.display())]
    VaultFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is not YAML. Its text is not shown: it may hold a secret.
    #[error("`{}` is not valid YAML: {place}", .file.display())]
    NotYaml {
        /// Relative to the inventory root.
        file: PathBuf,
        /// Line and column.
        place: String,
    },
    /// A file is YAML, but has no usable content.
    #[error("`{}` cannot be used: {why}", .file.display())]
    Unusable {
        /// Relative to the inventory root.
        file: PathBuf,
        /// What is the matter with it.
        why: String,
    },
    /// Groups are children of each other.
    #[error("a group of the inventory is a child of itself")]
    Circle,
    /// Something is encrypted and no password is set.
    #[error("{what} is encrypted and there is no vault password\nhint: set `vault.password_file`")]
    NoPassword {
        /// A variable of a host, or a file.
        what: String,
    },
    /// Something does not decrypt.
    #[error("{what} cannot be decrypted")]
    Locked {
        /// A variable of a host, or a file.
        what: String,
        /// Why.
        #[source]
        source: vault::Error,
    },
}
