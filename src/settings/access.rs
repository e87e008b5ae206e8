//! `[access]`: authentication. Inconsistent settings are reported at the start.

use std::{
    fs, io,
    net::IpAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use actix_web::http::header::HeaderName;
use ipnet::IpNet;
use model::Role;
use secrecy::{SecretString, zeroize::Zeroizing};
use serde::{Deserialize, Serialize};

use super::{Limits, Server, kind::Rule, paths::Base, seconds};
use crate::http::access::{Gateway, Groups, Hosts, JwtOptions, JwtRules, KeyLocation, Mode, Options};

/// The shortest secret of a gateway, in bytes.
const MIN_SECRET_BYTES: usize = 16;

/// `[access]`: authentication.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// Accepted authentication methods.
    pub modes: Vec<ModeWord>,
    /// Whether mode `none` is allowed on every address.
    pub allow_unauthenticated: bool,
    /// Names that clients can use for the service.
    pub hosts: Vec<String>,
    /// The file with the secret of a gateway.
    pub gateway_secret_file: Option<PathBuf>,
    /// The header that contains it.
    pub gateway_secret_header: String,
    /// Addresses of gateways.
    pub gateway_addresses: Vec<String>,
    /// Groups with the role `viewer`.
    pub viewer_groups: Vec<String>,
    /// Groups with the role `operator`.
    pub operator_groups: Vec<String>,
    /// Groups with the role `admin`.
    pub admin_groups: Vec<String>,
    /// The role of callers in none of these groups.
    pub default_role: Option<Role>,
    /// The keys of the issuer: a file or an address.
    pub jwt_keys: Option<String>,
    /// The required issuer.
    pub jwt_issuer: Option<String>,
    /// The required audience.
    pub jwt_audience: Option<String>,
    /// The claim with the roles.
    pub jwt_role_claim: String,
    /// The claim with the name.
    pub jwt_name_claim: String,
    /// Allowed clock difference, in seconds.
    pub jwt_leeway_s: i64,
    /// How long keys are cached.
    #[serde(rename = "jwt_refresh_s", with = "seconds")]
    pub jwt_refresh: Duration,
    /// Whether `/metrics` needs no authentication.
    pub allow_unauthenticated_metrics: bool,
}

/// A mode as written in the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModeWord {
    /// Authentication is disabled.
    None,
    /// Identity headers from a gateway.
    Gateway,
    /// API tokens.
    Token,
    /// JWTs signed by an issuer.
    Jwt,
}

/// Why the access settings are invalid.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// No mode at all.
    #[error("`access.modes` is empty: name `gateway`, `token` or `jwt`, or `none`")]
    NoMode,
    /// `none` together with others.
    #[error("`access.modes` combines `none` with other modes: `none` disables authentication")]
    NoneAndOthers,
    /// Every client on the network would have full access.
    #[error(
        "with `access.modes = [\"none\"]` every client that can reach {0} can run every playbook\nhint: add `token`, `gateway`, or \
         `jwt` to `access.modes` (RANGEHAND__ACCESS__MODES), or listen on 127.0.0.1; `access.allow_unauthenticated = true` \
         allows this configuration. See docs/security.md"
    )]
    Exposed(String),
    /// A gateway cannot be distinguished from other clients.
    #[error(
        "mode `gateway` needs `access.gateway_secret_file`, `access.gateway_addresses` or both: otherwise every client could \
         claim to be any consumer"
    )]
    AnyGateway,
    /// The file cannot be read.
    #[error("the secret of the gateway in `{path}` cannot be read")]
    Secret {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Other users can read it.
    #[error("the secret of the gateway in `{0}` can be read by others\nhint: chmod 600 {0}")]
    OpenSecret(PathBuf),
    /// It could be guessed.
    #[error("the secret of the gateway in `{0}` has fewer than {MIN_SECRET_BYTES} characters")]
    ShortSecret(PathBuf),
    /// A setting that mode `jwt` requires.
    #[error("mode `jwt` needs `access.{0}`")]
    Jwt(&'static str),
}

impl Access {
    /// The options of the access-control middleware. Reads the secret of the gateway.
    ///
    /// # Errors
    /// Inconsistent settings, or settings that grant full access to every client.
    pub fn options(&self, limits: &Limits, server: &Server) -> Result<Options, AccessError> {
        self.check(&server.host)?;
        let network = |text: &String| network(text);
        Ok(Options {
            modes: self.modes.iter().map(|mode| mode.mode()).collect(),
            gateway: Gateway {
                secret: self.gateway_secret_file.as_deref().map(secret).transpose()?,
                // Checked when the settings were read, as the networks.
                secret_header: self
                    .gateway_secret_header
                    .parse()
                    .unwrap_or(HeaderName::from_static("x-gateway-secret")),
                addresses: self.gateway_addresses.iter().filter_map(network).collect(),
            },
            groups: Groups {
                viewer: self.viewer_groups.clone(),
                operator: self.operator_groups.clone(),
                admin: self.admin_groups.clone(),
                default: self.default_role,
            },
            jwt: if self.has(ModeWord::Jwt) { Some(self.jwt()?) } else { None },
            hosts: self.hosts(&server.host),
            origins: server.cors_origins.clone(),
            allow_unauthenticated_metrics: self.allow_unauthenticated_metrics,
            reads: limits.reads(),
            writes: limits.writes(),
            watchers: limits.watchers(),
            unread: limits.unread(),
        })
    }

    /// Checks whether the service can start with these settings.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, host: &str) -> Result<(), AccessError> {
        match self.modes.as_slice() {
            [] => return Err(AccessError::NoMode),
            [ModeWord::None] if !self.allow_unauthenticated && !is_loopback(host) => {
                return Err(AccessError::Exposed(host.to_owned()));
            }
            [ModeWord::None] => {}
            _ if self.has(ModeWord::None) => return Err(AccessError::NoneAndOthers),
            _ => {}
        }
        let is_any = self.gateway_secret_file.is_none() && self.gateway_addresses.is_empty();
        if self.has(ModeWord::Gateway) && is_any {
            return Err(AccessError::AnyGateway);
        }
        if self.has(ModeWord::Jwt) {
            self.jwt()?;
        }
        Ok(())
    }

    /// Without authentication, a browser page must at least not be able to pretend to be part of this site.
    fn hosts(&self, host: &str) -> Hosts {
        let is_asked = !self.hosts.is_empty() || (self.is_none() && is_loopback(host));
        if is_asked { Hosts::own_and(self.hosts.clone()) } else { Hosts::any() }
    }

    fn has(&self, mode: ModeWord) -> bool {
        self.modes.contains(&mode)
    }

    fn jwt(&self) -> Result<JwtOptions, AccessError> {
        let keys = self.jwt_keys.clone().ok_or(AccessError::Jwt("jwt_keys"))?;
        let keys =
            if is_address(&keys) { KeyLocation::Address(keys) } else { KeyLocation::File(keys.into()) };
        Ok(JwtOptions {
            keys,
            refresh: self.jwt_refresh,
            rules: JwtRules {
                issuer: self.jwt_issuer.clone().ok_or(AccessError::Jwt("jwt_issuer"))?,
                audience: self.jwt_audience.clone().ok_or(AccessError::Jwt("jwt_audience"))?,
                role_claim: self.jwt_role_claim.clone(),
                name_claim: self.jwt_name_claim.clone(),
                leeway_s: self.jwt_leeway_s,
            },
        })
    }

    /// The modes in words.
    #[must_use]
    pub fn modes_text(&self) -> String {
        let words: Vec<&str> = self.modes.iter().map(|mode| mode.as_str()).collect();
        words.join(", ")
    }

    /// Whether authentication is disabled.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.has(ModeWord::None)
    }

    pub(super) fn resolve(&mut self, base: &Base) {
        base.resolve_option(&mut self.gateway_secret_file);
        if let Some(keys) = self.jwt_keys.as_mut().filter(|keys| !is_address(keys)) {
            *keys = base.absolute(Path::new(keys)).display().to_string();
        }
    }
}

impl ModeWord {
    const fn mode(self) -> Mode {
        match self {
            Self::None => Mode::None,
            Self::Gateway => Mode::Gateway,
            Self::Token => Mode::Token,
            Self::Jwt => Mode::Jwt,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gateway => "gateway",
            Self::Token => "token",
            Self::Jwt => "jwt",
        }
    }
}

/// A name may lead anywhere, `localhost` excepted.
fn is_loopback(host: &str) -> bool {
    host.parse::<IpAddr>().map_or(host == "localhost", |address| address.to_canonical().is_loopback())
}

fn secret(path: &Path) -> Result<SecretString, AccessError> {
    let metadata = fs::metadata(path);
    let metadata = metadata.map_err(|source| AccessError::Secret { path: path.to_owned(), source })?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(AccessError::OpenSecret(path.to_owned()));
    }
    let text = fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|source| AccessError::Secret { path: path.to_owned(), source })?;
    let secret = text.trim();
    if secret.len() < MIN_SECRET_BYTES {
        return Err(AccessError::ShortSecret(path.to_owned()));
    }
    Ok(SecretString::from(secret))
}

/// An address alone is a network of one.
fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn is_address(keys: &str) -> bool {
    keys.contains("://")
}

/// Keys that are fetched over a network require TLS: an attacker who changes them in transit could authenticate any client.
fn is_keys_place(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("http://") else {
        return text.starts_with("https://") || !is_address(text);
    };
    let host = rest.split('/').next().unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    !host.contains('@') && is_loopback(name.trim_start_matches('[').trim_end_matches(']'))
}

fn is_line(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(char::is_control)
}

pub(super) const MODE_RULE: Rule = Rule {
    allowed: "`gateway`, `token`, `jwt`, or `none` alone",
    accepts: |text| matches!(text, "none" | "gateway" | "token" | "jwt"),
};
pub(super) const HEADER_RULE: Rule =
    Rule { allowed: "the name of a header", accepts: |text| text.parse::<HeaderName>().is_ok() };
pub(super) const NETWORK_RULE: Rule =
    Rule { allowed: "addresses, or networks such as `10.0.0.0/24`", accepts: |text| network(text).is_some() };
pub(super) const GROUP_RULE: Rule =
    Rule { allowed: "names of groups without `,`", accepts: |text| is_line(text) && !text.contains(',') };
pub(super) const ROLES: &[&str] = &["viewer", "operator", "admin"];
pub(super) const KEYS_RULE: Rule = Rule {
    allowed: "the path of a file or an address that begins with `https://`",
    accepts: |text| is_line(text) && is_keys_place(text),
};
pub(super) const CLAIM_RULE: Rule = Rule { allowed: "a text in one line", accepts: is_line };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_over_tls_or_not_over_a_network() {
        for place in [
            "https://id.example/keys",
            "http://127.0.0.1:9/k",
            "http://[::1]:9/k",
            "http://localhost/k",
            "/etc/k",
        ] {
            assert!(is_keys_place(place), "{place}");
        }
        for place in [
            "http://id.example/keys",
            "ftp://x/y",
            "http://127.0.0.1@evil.example/k",
            "http://localhost.evil/k",
        ] {
            assert!(!is_keys_place(place), "{place}");
        }
    }

    #[test]
    fn only_addresses_of_this_machine_are_loopback() {
        for (host, is) in [
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("localhost", true),
            ("::ffff:127.0.0.1", true),
            ("0.0.0.0", false),
            ("::", false),
            ("10.0.0.1", false),
            ("myhost", false),
        ] {
            assert_eq!(is_loopback(host), is, "{host}");
        }
    }
}
