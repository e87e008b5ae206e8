//! Registers the endpoints, and answers paths that no endpoint has.
//!
//! A method that a path doesn't have is answered by the access-control middleware, which reads the same list: a request gets
//! here only if an endpoint answers its method.

use actix_web::{
    Either, Error, HttpRequest, HttpResponse, Resource, Responder,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    guard,
    http::{
        Method,
        header::{self, HeaderValue},
    },
    middleware::{Next, from_fn},
    web::{self, Data, ServiceConfig},
};

use super::{
    api::Api,
    endpoint::{Endpoint, Origins},
    own_page::is_own_page,
    problem::{Problem, ProblemCode},
    upgrade::upgrades,
    v0,
};

/// The path prefix below which unknown paths are answered with a problem document.
const V1: &str = "/v1";

/// Registers all endpoints.
pub(super) fn register(endpoints: &'static [Endpoint], config: &mut ServiceConfig) {
    let mut v1 = web::scope(V1)
        .app_data(web::PathConfig::default().error_handler(|error, _| bad_path(&error).into()))
        .default_service(web::to(unknown_v1_path).wrap(from_fn(only_known_origins)));
    for (pattern, of_path) in by_path(endpoints) {
        let is_v1 = pattern.strip_prefix(V1).filter(|rest| rest.starts_with('/'));
        let resource = resource(is_v1.unwrap_or(pattern), &of_path);
        let is_for_configured = of_path.iter().any(|endpoint| endpoint.origins == Origins::Configured);
        match (is_v1.is_some(), is_for_configured) {
            (true, true) => v1 = v1.service(resource.wrap(from_fn(only_known_origins))),
            (true, false) => v1 = v1.service(resource),
            (false, true) => drop(config.service(resource.wrap(from_fn(only_known_origins)))),
            (false, false) => drop(config.service(resource)),
        }
    }
    config.service(v1).default_service(web::to(unknown_path));
}

/// The endpoints of each path. Paths with parameters come last, because the first match applies and a name can have
/// several segments.
fn by_path(endpoints: &'static [Endpoint]) -> Vec<(&'static str, Vec<&'static Endpoint>)> {
    let mut paths: Vec<(&str, Vec<&Endpoint>)> = Vec::new();
    for endpoint in endpoints {
        match paths.iter_mut().find(|(pattern, _)| *pattern == endpoint.pattern) {
            Some((_, of_path)) => of_path.push(endpoint),
            None => paths.push((&endpoint.pattern, vec![endpoint])),
        }
    }
    paths.sort_by_key(|(pattern, _)| pattern.contains('{'));
    paths
}

fn resource(pattern: &str, endpoints: &[&'static Endpoint]) -> Resource {
    let mut resource = web::resource(pattern);
    for endpoint in endpoints {
        let mut route = endpoint.route().method(endpoint.verb.method());
        if endpoint.is_hidden_without_upgrade {
            route = route.guard(guard::fn_guard(|on| upgrades(on.head().headers())));
            resource = resource.default_service(web::to(v0::unknown_path));
        }
        resource = resource.route(route);
        if endpoint.answers_head {
            resource = resource.route(endpoint.route().method(Method::HEAD));
        }
    }
    resource
}

/// Rejects pages of other origins: CORS alone would only hide the response from them. Other clients send no
/// `Origin`.
async fn only_known_origins(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let allowed = |api: &Api, origin: &HeaderValue| {
        origin.to_str().is_ok_and(|origin| api.options.origins.allows(origin))
    };
    let api = request.app_data::<Data<Api>>();
    let refused = match (request.headers().get(header::ORIGIN), api) {
        _ if is_own_page(request.headers()) => false,
        (Some(origin), Some(api)) => !allowed(api, origin),
        (Some(_), None) => true,
        (None, _) => false,
    };
    if refused {
        let problem = Problem::new(ProblemCode::OriginNotAllowed, "pages of this origin may not call")
            .hint("`server.cors_origin_regex` sets the allowed origins");
        return Err(problem.into());
    }
    next.call(request).await
}

/// A WebSocket request to an unknown path is rejected without a body. Any other request is answered as an unknown
/// path of v0.
async fn unknown_path(request: HttpRequest) -> impl Responder {
    if upgrades(request.headers()) {
        return Either::Left(HttpResponse::Forbidden().finish());
    }
    Either::Right(v0::unknown_path(request).await)
}

async fn unknown_v1_path(request: HttpRequest) -> Result<&'static str, Problem> {
    let detail = format!("there is no `{}`", request.path().escape_debug());
    Err(Problem::new(ProblemCode::UnknownPath, detail))
}

fn bad_path(error: &actix_web::error::PathError) -> Problem {
    Problem::new(ProblemCode::BadPath, format!("the path cannot be read: {error}"))
}
