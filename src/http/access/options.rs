//! Options of the guard.

use super::{
    gateway::Gateway, groups::Groups, held::Quota, host::Hosts, jwt::Options as JwtOptions, limiter::Rate,
    unread::Unread,
};
use crate::settings::OriginPattern;

/// An authentication method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Without authentication: every caller is an admin.
    None,
    /// A gateway authenticates callers.
    Gateway,
    /// By API tokens.
    Token,
    /// By JWTs.
    Jwt,
}

/// Options of the guard.
#[derive(Debug, Clone)]
pub struct Options {
    /// The accepted authentication methods.
    pub modes: Vec<Mode>,
    /// The trusted gateways. Their client addresses are used in every mode, and their consumers in mode `gateway`.
    pub gateway: Gateway,
    /// The roles of groups.
    pub groups: Groups,
    /// Options of JWT verification, if mode `jwt` is used.
    pub jwt: Option<JwtOptions>,
    /// The host names that requests can use.
    pub hosts: Hosts,
    /// Web origins whose pages can use the API.
    pub origins: OriginPattern,
    /// Whether metrics are available without authentication.
    pub allow_unauthenticated_metrics: bool,
    /// Rate limit of reads per client.
    pub reads: Rate,
    /// Rate limit of changes per client.
    pub writes: Rate,
    /// Maximum number of open streams, per client and in total.
    pub watchers: Quota,
    /// Limits on unread response data.
    pub unread: Unread,
}

impl Options {
    pub(super) fn has(&self, mode: Mode) -> bool {
        self.modes.contains(&mode)
    }
}
