//! Why a call gave nothing.

use std::{io, path::PathBuf};

/// Why a call gave nothing. Neither the token nor the query is in any text.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What should be `host` or `host:port` is something else.
    #[error("`{}` is no API host: use a name or an address, with or without `:port`", .0.escape_debug())]
    BadHost(String),
    /// A part of a path is empty or climbs.
    #[error("`{}` is no path of the API", .0.escape_debug())]
    BadPath(String),
    /// User or token cannot be sent.
    #[error("the API token cannot be sent: there are control characters in it")]
    BadToken,
    /// The file of certificate authorities cannot be used.
    #[error("the certificates in `{}` cannot be read", .path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No connection can be made at all, such as without any certificate authority.
    #[error("Proxmox cannot be called")]
    Client(#[source] reqwest::Error),
    /// The API was not reached, or broke off.
    #[error("Proxmox at `{host}` cannot be reached")]
    Unreachable {
        /// The API host.
        host: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The API did not answer in time.
    #[error("Proxmox at `{host}` did not answer in time")]
    TimedOut {
        /// The API host.
        host: String,
    },
    /// The API refused.
    #[error("Proxmox at `{host}` answered {status}: {message}")]
    Refused {
        /// The API host.
        host: String,
        /// The HTTP status.
        status: u16,
        /// What Proxmox says.
        message: String,
    },
    /// The response does not have the form of a Proxmox API.
    #[error("Proxmox at `{host}` answered something else than its API does: {why}")]
    Unreadable {
        /// The API host.
        host: String,
        /// What is wrong with it.
        why: String,
    },
    /// The answer to a call for a list is not a list.
    #[error("Proxmox at `{host}` gave no list")]
    NoList {
        /// The API host.
        host: String,
    },
}
