//! `[store]`: the database.

use serde::{Deserialize, Serialize};

use super::{kind::Rule, secret::StoreUrl};

/// `[store]`: the database.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// Where the database is.
    #[serde(skip_deserializing)]
    pub url: StoreUrl,
    /// How many connections may be open.
    pub max_connections: u32,
}

pub(super) const URL_RULE: Rule = Rule {
    allowed: "an address that starts with `sqlite:`, `postgres://` or `postgresql://`",
    accepts: |url| ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)),
};
