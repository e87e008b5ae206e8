//! Errors that prevent the service from starting.

use std::io;

use crate::{
    http::access::JwtError,
    settings::{AccessError, NoSandbox, PasswordError},
};

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The vault password cannot be read from the configured location.
    #[error("the vault password cannot be read")]
    Password(#[from] PasswordError),
    /// The vault file cannot be read.
    #[error("the vault file `{path}` cannot be read")]
    VaultUnreadable {
        /// The file.
        path: String,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// A vault file is set, but no password.
    #[error("`vault.file` is set, but no vault password\nhint: set `vault.password_file`")]
    NoPassword,
    /// The password does not decrypt the vault file.
    #[error("the vault file `{path}` cannot be decrypted")]
    VaultLocked {
        /// The file.
        path: String,
        /// The cause.
        #[source]
        source: content::vault::Error,
    },
    /// The configured isolation is not available.
    #[error(transparent)]
    Isolation(#[from] NoSandbox),
    /// The encryption keys for job secrets cannot be used.
    #[error("the encryption keys for job secrets cannot be used")]
    Keys(#[from] engine::KeyError),
    /// The database cannot be used.
    #[error("the database cannot be opened")]
    Store(#[from] store::Error),
    /// The store is an SQLite file, which cannot be shared with other nodes.
    #[error(
        "`rangehand worker` requires PostgreSQL: an SQLite database can be used by only one service\nhint: on a single machine, use `rangehand \
         serve`; for several nodes, set `store.url` to a PostgreSQL URL"
    )]
    NothingToShare,
    /// The state directory cannot be used.
    #[error(
        "the state directory `{path}` cannot be used\nhint: each service needs a separate directory: \
         `paths.state`"
    )]
    State {
        /// The directory.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The runtime directory cannot be used.
    #[error(
        "the runtime directory `{path}` cannot be used\nhint: set `paths.runtime` to a directory that is owned by this \
         user and has mode 0700"
    )]
    Runtime {
        /// The directory.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The access settings are invalid.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The keys of the JWT issuer are not available.
    #[error("JWTs cannot be verified")]
    Jwt(#[from] JwtError),
    /// The server cannot listen on the address.
    #[error("cannot listen on {host}:{port}")]
    Listen {
        /// The host of the settings.
        host: String,
        /// The port of the settings.
        port: u16,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A component of the running service failed.
    #[error("the service failed")]
    Io(#[from] io::Error),
}
