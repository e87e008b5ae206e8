//! What a caller must be for each route. A route that is not in a table is refused: a test finds it.
//!
//! The rows of v0 are its own; all others stand here.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{LazyLock, OnceLock},
};

use actix_web::dev::ResourceMap;
use model::Role;

use crate::http::v0::rows;

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Nothing: not even to say who it is.
    Open,
    /// At least this role.
    Role(Role),
}

/// A method of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// `*` for any that has no row of its own.
    pub method: &'static str,
    /// With `{name}` where it has a parameter.
    pub path: &'static str,
    /// What it asks for.
    pub permission: Permission,
}

const fn open(method: &'static str, path: &'static str) -> Row {
    Row { method, path, permission: Permission::Open }
}

const fn viewer(method: &'static str, path: &'static str) -> Row {
    Row { method, path, permission: Permission::Role(Role::Viewer) }
}

const fn operator(method: &'static str, path: &'static str) -> Row {
    Row { method, path, permission: Permission::Role(Role::Operator) }
}

const fn admin(method: &'static str, path: &'static str) -> Row {
    Row { method, path, permission: Permission::Role(Role::Admin) }
}

/// The path that `access.open_metrics` opens.
pub(super) const METRICS: &str = "/metrics";

/// Every route but those of v0.
const ROUTES: &[Row] = &[
    open("GET", "/healthz"),
    open("HEAD", "/healthz"),
    // Without a role it says no more than a word.
    open("GET", "/readyz"),
    open("HEAD", "/readyz"),
    viewer("GET", METRICS),
    // The same for everybody, and known to everybody who has the program.
    open("GET", "/docs/openapi.json"),
    open("HEAD", "/docs/openapi.json"),
    open("GET", "/docs/swagger"),
    open("HEAD", "/docs/swagger"),
    open("GET", "/docs/redoc"),
    open("HEAD", "/docs/redoc"),
    open("GET", "/docs/oauth2-redirect"),
    open("HEAD", "/docs/oauth2-redirect"),
    open("GET", "/docs/assets/{file}"),
    open("HEAD", "/docs/assets/{file}"),
    viewer("GET", "/v1/jobs"),
    operator("POST", "/v1/jobs"),
    viewer("GET", "/v1/jobs/{id}"),
    admin("DELETE", "/v1/jobs/{id}"),
    viewer("GET", "/v1/jobs/{id}/result"),
    operator("POST", "/v1/jobs/{id}/cancel"),
    operator("POST", "/v1/jobs/{id}/retry"),
    operator("POST", "/v1/jobs/{id}/resume"),
    viewer("GET", "/v1/jobs/{id}/events"),
    viewer("GET", "/v1/jobs/{id}/log"),
    viewer("GET", "/v1/jobs/{id}/timing"),
    viewer("GET", "/v1/jobs/{id}/artifacts"),
    viewer("GET", "/v1/jobs/{id}/artifacts/{path}"),
    viewer("GET", "/v1/events"),
    viewer("GET", "/v1/queue"),
    viewer("GET", "/v1/catalog/playbooks"),
    viewer("GET", "/v1/catalog/playbooks/{name}"),
    viewer("GET", "/v1/catalog/bundles"),
    viewer("GET", "/v1/catalog/bundles/{name}"),
    viewer("GET", "/v1/catalog/scenarios"),
    viewer("GET", "/v1/catalog/scenarios/{name}"),
    viewer("GET", "/v1/catalog/inventories"),
    viewer("GET", "/v1/catalog/inventories/{name}"),
    viewer("GET", "/ws/vm-status"),
    // Whatever is no WebSocket does not exist there, whatever its method.
    viewer("*", "/ws/vm-status"),
    viewer("GET", "/ws/{job_id}"),
];

/// Every route with what it asks for.
pub fn routes() -> impl Iterator<Item = Row> {
    let v0 = rows::all().flat_map(|route| {
        let permission = Permission::Role(route.permission);
        route.spellings().map(move |(verb, path)| Row { method: verb.as_str(), path, permission })
    });
    ROUTES.iter().copied().chain(v0)
}

/// Rows by path.
static BY_PATH: LazyLock<HashMap<&'static str, Vec<Row>>> = LazyLock::new(|| {
    let mut by_path: HashMap<&'static str, Vec<Row>> = HashMap::new();
    routes().for_each(|row| by_path.entry(row.path).or_default().push(row));
    by_path
});

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A row.
    Listed(Row),
    /// The path has rows, but not for this method.
    WrongMethod(&'static str, Vec<&'static str>),
    /// The path is registered and has no row.
    Unlisted(String),
    /// No such path.
    Nowhere,
}

/// The routes of a server, as they are registered there.
///
/// For paths without parameters that have rows it is remembered what actix finds: it goes through all patterns, which for an
/// ordinary call took longer than all else that the guard does.
#[derive(Debug)]
pub(super) struct Places(HashMap<&'static str, OnceLock<Option<String>>>);

impl Places {
    /// For one server: nothing may be registered later.
    pub(super) fn new() -> Self {
        let fixed = BY_PATH.keys().filter(|path| !path.contains('{'));
        Self(fixed.map(|path| (*path, OnceLock::new())).collect())
    }

    /// Looks up a method and a path.
    pub(super) fn find(&self, method: &str, path: &str, registered: &ResourceMap) -> Place {
        match self.0.get(path) {
            Some(found) => find(method, found.get_or_init(|| registered.match_pattern(path)).as_deref()),
            None => find(method, registered.match_pattern(path).as_deref()),
        }
    }
}

/// Looks up a method and a pattern as actix knows it, with its regular expressions.
fn find(method: &str, pattern: Option<&str>) -> Place {
    let Some(pattern) = pattern else { return Place::Nowhere };
    let plain = without_expressions(pattern);
    let Some(rows) = BY_PATH.get(plain.as_ref()) else { return Place::Unlisted(plain.into_owned()) };
    let row = |method: &str| rows.iter().find(|row| row.method == method);
    match row(method).or_else(|| row("*")) {
        Some(row) => Place::Listed(*row),
        None => {
            let path = rows.first().map_or("", |row| row.path);
            Place::WrongMethod(path, rows.iter().map(|row| row.method).collect())
        }
    }
}

/// `{name:.+}` as `{name}`.
fn without_expressions(pattern: &str) -> Cow<'_, str> {
    match pattern.contains(':') {
        true => pattern.replace(":.+}", "}").replace(":.*}", "}").into(),
        false => pattern.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_a_row_is_found() {
        let listed = |method, pattern| match find(method, Some(pattern)) {
            Place::Listed(row) => Some(row.permission),
            _ => None,
        };
        let role = |role| Some(Permission::Role(role));
        assert_eq!(listed("POST", "/v1/jobs"), role(Role::Operator));
        assert_eq!(listed("GET", "/v1/catalog/bundles/{name:.*}"), role(Role::Viewer));
        assert_eq!(listed("POST", "/v0/admin/run/bundles/{name:.+}/run"), role(Role::Operator));
        assert_eq!(listed("PATCH", "/ws/vm-status"), role(Role::Viewer));
        assert_eq!(find("PUT", Some("/v1/jobs")), Place::WrongMethod("/v1/jobs", vec!["GET", "POST"]));
        assert_eq!(find("GET", Some("/v1/new")), Place::Unlisted("/v1/new".to_owned()));
        assert_eq!(find("GET", None), Place::Nowhere);
    }

    #[test]
    fn a_route_has_one_row() {
        let mut seen = std::collections::HashSet::new();
        for row in routes() {
            assert!(seen.insert((row.method, row.path)), "{row:?}");
        }
    }

    #[test]
    fn what_is_no_get_and_changes_something_needs_more_than_a_viewer() {
        for row in ROUTES.iter().filter(|row| !matches!(row.method, "GET" | "HEAD" | "*")) {
            assert!(matches!(row.permission, Permission::Role(role) if role > Role::Viewer), "{row:?}");
        }
    }
}
