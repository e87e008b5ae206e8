//! Why the service does not start.

use std::io;

use crate::{
    http::access::JwtError,
    settings::{AccessError, NoSandbox, PasswordError},
};

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no vault password where the settings say it is.
    #[error("the vault password cannot be read")]
    Password(#[from] PasswordError),
    /// The vault file cannot be read.
    #[error("the vault file `{path}` cannot be read")]
    VaultUnreadable {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// There is a vault file and no password for it.
    #[error("`vault.file` is set, but no vault password\nhint: set `vault.password_file`")]
    NoPassword,
    /// The password does not open the vault file.
    #[error("the vault file `{path}` cannot be decrypted")]
    VaultLocked {
        /// The file.
        path: String,
        /// Why not.
        #[source]
        source: content::vault::Error,
    },
    /// Runs cannot be kept apart as settings say.
    #[error(transparent)]
    Isolation(#[from] NoSandbox),
    /// The keys of secrets cannot be used.
    #[error("the encryption keys for job secrets cannot be used")]
    Keys(#[from] engine::KeyError),
    /// The database cannot be used.
    #[error("the database cannot be opened")]
    Store(#[from] store::Error),
    /// The store is a file, which no other node can see.
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
    /// Who may come in is not settled.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The keys of the issuer of JWTs are not there.
    #[error("JWTs cannot be checked")]
    Jwt(#[from] JwtError),
    /// The address cannot be listened on.
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
    /// Something of the running service failed.
    #[error("the service failed")]
    Io(#[from] io::Error),
}
