//! What a client needs to call an API.

use secrecy::{ExposeSecret, SecretString};

/// Where an API is, and the token for it.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// `host` or `host:port`, as it stands in an inventory; without a port 443 is called.
    pub api_host: String,
    /// The node that is meant where none is named.
    pub node: String,
    /// `name@realm`.
    pub user: String,
    /// The name of the token.
    pub token_id: String,
    /// The token.
    pub token_secret: SecretString,
}

impl Credentials {
    /// The value of the header `Authorization`.
    pub(super) fn authorization(&self) -> SecretString {
        let secret = self.token_secret.expose_secret();
        SecretString::from(format!("PVEAPIToken={}!{}={secret}", self.user, self.token_id))
    }
}
