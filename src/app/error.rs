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
    #[error("there is a vault file and no password for it\nhint: set `vault.password_file`")]
    NoPassword,
    /// The password does not open the vault file.
    #[error("the vault file `{path}` does not open")]
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
    #[error("the keys of secrets cannot be used")]
    Keys(#[from] engine::KeyError),
    /// The database cannot be used.
    #[error("the store cannot be opened")]
    Store(#[from] store::Error),
    /// The store is a file, which no other node can see.
    #[error(
        "a worker cannot use an SQLite store: nobody but one service may use it\nhint: on one machine `rangehand \
         serve` runs the jobs itself; for more nodes name a PostgreSQL database: `store.url`"
    )]
    NothingToShare,
    /// The state directory cannot be used.
    #[error(
        "the state directory `{path}` cannot be used\nhint: each service needs one of its own: \
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
        "the runtime directory `{path}` cannot be used\nhint: `paths.runtime` names another; it must be this \
         user's own, with mode 0700"
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
