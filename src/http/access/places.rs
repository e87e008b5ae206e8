//! Finds the endpoint of a request. Registered paths without an endpoint are rejected.

use std::{collections::HashMap, sync::OnceLock};

use actix_web::dev::ResourceMap;

use crate::http::endpoint::Endpoint;

/// The target of a request.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// An endpoint.
    Endpoint(&'static Endpoint),
    /// The path has these endpoints, but none for the method.
    WrongMethod(Vec<&'static Endpoint>),
    /// The path is registered, but has no endpoint.
    Unlisted(String),
    /// The path is not registered.
    Unknown,
}

/// The endpoints of a server by path pattern, as they are registered.
///
/// For paths without parameters, the result of actix is cached: it compares all patterns, which took longer for an
/// ordinary request than all other steps of the guard.
#[derive(Debug)]
pub(super) struct Places {
    by_pattern: HashMap<&'static str, Vec<&'static Endpoint>>,
    found: HashMap<&'static str, OnceLock<Option<String>>>,
}

impl Places {
    /// Creates the lookup for one server, after all paths have been registered.
    pub(super) fn new(endpoints: &'static [Endpoint]) -> Self {
        let mut by_pattern: HashMap<&str, Vec<&Endpoint>> = HashMap::new();
        for endpoint in endpoints {
            by_pattern.entry(&endpoint.pattern).or_default().push(endpoint);
        }
        let fixed = by_pattern.keys().filter(|path| !path.contains('{'));
        let found = fixed.map(|path| (*path, OnceLock::new())).collect();
        Self { by_pattern, found }
    }

    /// Finds the endpoint of a method and a path.
    pub(super) fn find(&self, method: &str, path: &str, registered: &ResourceMap) -> Target {
        match self.found.get(path) {
            Some(found) => self.of(method, found.get_or_init(|| registered.match_pattern(path)).as_deref()),
            None => self.of(method, registered.match_pattern(path).as_deref()),
        }
    }

    /// Finds the endpoint of a method and a pattern of actix.
    fn of(&self, method: &str, pattern: Option<&str>) -> Target {
        let Some(pattern) = pattern else { return Target::Unknown };
        let Some(endpoints) = self.by_pattern.get(pattern) else {
            return Target::Unlisted(pattern.to_owned());
        };
        match endpoints.iter().find(|endpoint| endpoint.answers(method)) {
            Some(endpoint) => Target::Endpoint(endpoint),
            None => Target::WrongMethod(endpoints.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::endpoints;

    #[test]
    fn only_an_endpoint_is_found() {
        let places = Places::new(endpoints());
        let found = |method, pattern| match places.of(method, Some(pattern)) {
            Target::Endpoint(endpoint) => endpoint.doc.operation.clone(),
            Target::WrongMethod(endpoints) => crate::http::endpoint::allow(&endpoints).into(),
            Target::Unlisted(_) => "unlisted".into(),
            Target::Unknown => "nowhere".into(),
        };
        assert_eq!(found("POST", "/v1/jobs"), "submit_job");
        assert_eq!(found("GET", "/v1/catalog/bundles/{name:.*}"), "show_bundle");
        assert_eq!(found("POST", "/v0/admin/run/bundles/{name:.+}/run"), "run_bundle");
        assert_eq!(found("PATCH", "/ws/vm-status"), "watch_vms");
        assert_eq!(found("HEAD", "/healthz"), "health");
        assert_eq!(found("PUT", "/v1/jobs"), "GET, POST");
        assert_eq!(found("GET", "/v1/new"), "unlisted");
        assert!(matches!(places.of("GET", None), Target::Unknown));
    }
}
