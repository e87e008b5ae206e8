//! Access requirements and effects of endpoints.

use model::Role;

/// The access requirement of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// No authentication is required.
    Open,
    /// A caller with at least this role.
    Role(Role),
    /// A viewer, or no authentication if `access.allow_unauthenticated_metrics` is set.
    Metrics,
}

impl Access {
    /// Callers with read-only access.
    pub const VIEWER: Self = Self::Role(Role::Viewer);
    /// Callers that can run content.
    pub const OPERATOR: Self = Self::Role(Role::Operator);
    /// Callers with full access.
    pub const ADMIN: Self = Self::Role(Role::Admin);

    /// The role that is required with the default settings; `None` if no authentication is required.
    #[must_use]
    pub const fn role(self) -> Option<Role> {
        match self {
            Self::Open => None,
            Self::Role(role) => Some(role),
            Self::Metrics => Some(Role::Viewer),
        }
    }

    /// The access requirement with these settings.
    pub(crate) const fn with_settings(self, allow_unauthenticated_metrics: bool) -> Self {
        match self {
            Self::Metrics if allow_unauthenticated_metrics => Self::Open,
            Self::Metrics => Self::VIEWER,
            other => other,
        }
    }
}

/// The effect of a request on the state of the service. It determines which rate limit counts the request, whether
/// the audit log records it, and what pages of other origins can send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// A liveness probe, which no rate limit counts.
    Probe,
    /// Reads. It counts as a read and isn't audited.
    Read,
    /// Reads if possible, and starts a job otherwise. It counts as a read until it becomes a change.
    MayStartJob,
    /// Changes something. It counts as a write, and the audit log records its intent and its result.
    Change,
}

/// The web origins whose pages can call an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origins {
    /// Pages that `server.cors_origin_regex` matches; others get 403.
    Configured,
    /// Pages of any origin. CORS prevents them from reading the response, and origins that the setting doesn't
    /// match can't start anything.
    Any,
}

/// The format of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `{"detail": ...}`, as in the service that v0 replaces.
    V0,
    /// Problem documents (RFC 9457).
    V1,
}

impl Dialect {
    /// The format below this path. Paths that are neither v1 nor health checks use the format of v0.
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
