//! What a call of an endpoint needs and what it counts as.

use model::Role;

/// Who may call an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everyone, without credentials.
    Open,
    /// A caller with at least this role.
    Role(Role),
    /// A viewer, or everyone if `access.allow_unauthenticated_metrics` is set.
    Metrics,
}

impl Access {
    /// Callers who read.
    pub const VIEWER: Self = Self::Role(Role::Viewer);
    /// Callers who also run content.
    pub const OPERATOR: Self = Self::Role(Role::Operator);
    /// Callers who may do everything.
    pub const ADMIN: Self = Self::Role(Role::Admin);

    /// The role that a caller needs under the default settings; `None` for everyone.
    #[must_use]
    pub const fn role(self) -> Option<Role> {
        match self {
            Self::Open => None,
            Self::Role(role) => Some(role),
            Self::Metrics => Some(Role::Viewer),
        }
    }

    /// Who may call with these settings.
    pub(crate) const fn with_settings(self, open_metrics: bool) -> Self {
        match self {
            Self::Metrics if open_metrics => Self::Open,
            Self::Metrics => Self::VIEWER,
            other => other,
        }
    }
}

/// What a call does to the state of the service. It decides which rate limit counts the call, whether the audit log
/// records it, and what pages of other origins may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// A liveness probe, which no rate limit counts.
    Probe,
    /// Reads. It counts as a read and isn't audited.
    Read,
    /// Reads if possible, and starts a job otherwise. It counts as a read until it becomes a change.
    MayStartJob,
    /// Changes something: it counts as a write, and the audit log has its intent and its result.
    Change,
}

/// Pages of which origins may call an endpoint from a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origins {
    /// Pages that `server.cors_origin_regex` matches; others get 403.
    Configured,
    /// Pages of any origin. CORS keeps them from reading the reply, and nothing is started for those that the setting
    /// doesn't match.
    Any,
}

/// In which format an error is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `{"detail": ...}`, as the service that v0 replaces does.
    V0,
    /// Problem documents (RFC 9457).
    V1,
}

impl Dialect {
    /// The format below this path. What is neither v1 nor about health is answered as v0 does.
    #[must_use]
    pub fn of_path(path: &str) -> Self {
        let is_below = |prefix: &str| {
            path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        match ["/v1", "/ws", "/metrics", "/healthz", "/readyz"].into_iter().any(is_below) {
            true => Self::V1,
            false => Self::V0,
        }
    }
}
