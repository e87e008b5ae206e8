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
    #[error("there is a vault file and no password for it\nhint: set `vault.password_file`")]
    NoPassword,
    /// The password does not decrypt the vault file.
    #[error("the vault file `{path}` does not open")]
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
    #[error("the keys of secrets cannot be used")]
    Keys(#[from] engine::KeyError),
    /// The database cannot be used.
    #[error("the store cannot be opened")]
    Store(#[from] store::Error),
    /// The store is an SQLite file, which cannot be shared with other nodes.
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
    /// The keys of the JWT issuer are not available.
    #[error("JWTs cannot be checked")]
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
