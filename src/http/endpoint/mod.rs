//! Endpoints: an endpoint is one method of one path, declared once, next to its handler.
//!
//! All components that depend on routes read the list of all endpoints ([`crate::http::endpoints()`]):
//! registration, responses to unsupported methods, access control, rate limits, the audit log, OpenAPI, the gateway
//! configuration, and the tables of the documentation.
//!
//! This module depends neither on handlers nor on readers of the list, so both can depend on it.

mod access;
mod doc;

use std::{borrow::Cow, fmt, sync::Arc};

use actix_web::{FromRequest, Handler, Responder, Route, http::Method, web};
use model::JobId;

pub use self::{
    access::{Access, Dialect, Effect, Origins},
    doc::{Body, Doc, Location, MakeSchema, Parameter, Reply, Schemas},
};

/// The methods that endpoints have, in the order in which `Allow` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verb {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
    /// DELETE
    Delete,
}

impl Verb {
    /// The name of the method in HTTP.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }

    /// The actix type of the method.
    pub(crate) const fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Delete => Method::DELETE,
        }
    }
}

/// One method of one path.
pub struct Endpoint {
    /// The method.
    pub verb: Verb,
    /// The path, with `{name}` for each parameter.
    pub path: String,
    /// The path pattern of actix: `{name:.*}` for a parameter that can have several segments.
    pub pattern: Cow<'static, str>,
    /// The access requirement.
    pub access: Access,
    /// The effect of a request on the state of the service.
    pub effect: Effect,
    /// The web origins whose pages can call it.
    pub origins: Origins,
    /// The path parameter that contains the job ID of a request, for the audit log.
    pub job: Option<&'static str>,
    /// Whether it also supports HEAD.
    pub answers_head: bool,
    /// Whether every request that isn't a WebSocket upgrade is answered like one for an unknown path, regardless of
    /// its method.
    pub is_hidden_without_upgrade: bool,
    /// Its documentation.
    pub doc: Doc,
    route: Arc<dyn Fn() -> Route + Send + Sync>,
}

impl Endpoint {
    /// Creates an endpoint for a path pattern of actix. GET is a read, and every other method is a change. Only
    /// pages of configured origins can call it.
    pub(crate) fn new<F, Args>(
        verb: Verb,
        pattern: impl Into<Cow<'static, str>>,
        access: Access,
        handler: F,
        doc: Doc,
    ) -> Self
    where
        F: Handler<Args, Output: Responder + 'static> + Send + Sync,
        Args: FromRequest + 'static,
    {
        let pattern = pattern.into();
        Self {
            verb,
            path: without_expressions(&pattern),
            pattern,
            access,
            effect: if verb == Verb::Get { Effect::Read } else { Effect::Change },
            origins: Origins::Configured,
            job: None,
            answers_head: false,
            is_hidden_without_upgrade: false,
            doc,
            route: Arc::new(move || web::to(handler.clone())),
        }
    }

    /// Overrides the effect of the method.
    pub(crate) fn effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    /// Allows pages of any origin.
    pub(crate) fn any_origin(mut self) -> Self {
        self.origins = Origins::Any;
        self
    }

    /// Declares that this path parameter contains the job ID of a request.
    pub(crate) fn job(mut self, parameter: &'static str) -> Self {
        self.job = Some(parameter);
        self
    }

    /// Adds support for HEAD.
    pub(crate) fn head(mut self) -> Self {
        self.answers_head = true;
        self
    }

    /// Hides the path from requests that aren't a WebSocket upgrade.
    pub(crate) fn hidden_without_upgrade(mut self) -> Self {
        self.is_hidden_without_upgrade = true;
        self
    }

    /// The format of its errors.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        Dialect::of_path(&self.path)
    }

    /// The names of the methods that it supports.
    pub fn methods(&self) -> impl Iterator<Item = &'static str> + use<> {
        let head = self.answers_head.then_some("HEAD");
        std::iter::once(self.verb.as_str()).chain(head)
    }

    /// Whether it supports this method.
    pub(crate) fn answers(&self, method: &str) -> bool {
        self.is_hidden_without_upgrade || self.methods().any(|known| known == method)
    }

    /// A new route with its handler, without a guard for the method.
    pub(crate) fn route(&self) -> Route {
        (self.route)()
    }

    /// The job ID in a path of this endpoint.
    pub(crate) fn job_in(&self, path: &str) -> Option<JobId> {
        let wanted = self.job?;
        let is_wanted =
            |part: &&str| part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) == Some(wanted);
        let position = self.path.split('/').position(|part| is_wanted(&part))?;
        path.split('/').nth(position)?.parse().ok()
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({:?})", self.verb.as_str(), self.path, self.access)
    }
}

/// The methods of these endpoints, as `Allow` lists them.
pub(crate) fn allow(endpoints: &[&Endpoint]) -> String {
    let mut sorted: Vec<_> = endpoints.iter().map(|endpoint| (endpoint.verb, endpoint.methods())).collect();
    sorted.sort_by_key(|(verb, _)| *verb);
    sorted.into_iter().flat_map(|(_, methods)| methods).collect::<Vec<_>>().join(", ")
}

/// `{name:.+}` as `{name}`.
fn without_expressions(pattern: &str) -> String {
    pattern.replace(":.+}", "}").replace(":.*}", "}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(verb: Verb, pattern: &'static str) -> Endpoint {
        Endpoint::new(verb, pattern, Access::VIEWER, || async { "" }, Doc::new("x", "x", "x"))
    }

    #[test]
    fn a_job_is_found_at_the_place_of_its_parameter() {
        const ID: &str = "0190a8d2-7c3f-7a51-9f0e-2b6f5f0f4d11";
        let file = endpoint(Verb::Get, "/v1/jobs/{id}/artifacts/{path:.*}").job("id");
        assert_eq!(file.path, "/v1/jobs/{id}/artifacts/{path}");
        assert_eq!(file.job_in(&format!("/v1/jobs/{ID}/artifacts/a/b")), ID.parse().ok());
        assert_eq!(file.job_in("/v1/jobs/none/artifacts/a"), None);
        let list = endpoint(Verb::Get, "/v1/jobs/{id}");
        assert_eq!(list.job_in(&format!("/v1/jobs/{ID}")), None, "it names no job");
    }

    #[test]
    fn allowed_methods_are_sorted_and_name_head_where_it_is_answered() {
        let (delete, get) = (endpoint(Verb::Delete, "/x"), endpoint(Verb::Get, "/x").head());
        assert_eq!(allow(&[&delete, &get]), "GET, HEAD, DELETE");
        assert!(get.answers("HEAD") && !delete.answers("HEAD") && !get.answers("PATCH"));
        assert!(endpoint(Verb::Get, "/x").hidden_without_upgrade().answers("PATCH"));
    }
}
