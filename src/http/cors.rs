//! CORS, with the error texts of the service that v0 replaces.
//!
//! A preflight request is answered here. Other requests are processed as usual, and only the response headers
//! determine whether a page can read the response. `actix-cors` is not used because it has other error texts, omits
//! headers from errors, and rejects requests of unknown origins, which would break clients of the reference
//! service.

use std::sync::Arc;

use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
};

use crate::settings::OriginPattern;

const METHODS: &str = "GET, POST, DELETE, OPTIONS";
/// The methods of v1. The service that v0 replaces has no PUT.
const METHODS_OF_V1: &str = "GET, POST, PUT, DELETE, OPTIONS";
const HEADERS: &str = "Accept, Accept-Language, Authorization, Content-Language, Content-Type";
/// How long a browser can cache the result of a preflight, in seconds.
const MAX_AGE: &str = "600";
/// Headers that pages can read in addition to the CORS-safelisted ones.
const EXPOSED: &str = "Content-Disposition, Location, X-Log-Lines, X-Log-Next, X-Rangehand-Job, X-Request-Id";

/// Answers preflight requests, and adds CORS headers to all other responses.
///
/// # Errors
/// Those of the handler.
pub async fn cors(
    origins: Arc<OriginPattern>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let is_allowed = origin.to_str().is_ok_and(|origin| origins.allows(origin));
    if request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
    {
        let answer = preflight(request.path(), request.headers(), &origin, is_allowed);
        return Ok(request.into_response(answer));
    }
    let mut response = match next.call(request).await {
        Ok(response) => response.map_into_boxed_body(),
        // Pages can also read errors.
        Err(error) => return Err(with_headers(error, &origin, is_allowed)),
    };
    add_headers(response.headers_mut(), &origin, is_allowed);
    Ok(response)
}

fn with_headers(error: Error, origin: &HeaderValue, is_allowed: bool) -> Error {
    let mut response = error.error_response();
    add_headers(response.headers_mut(), origin, is_allowed);
    actix_web::error::InternalError::from_response(error, response).into()
}

fn add_headers(headers: &mut HeaderMap, origin: &HeaderValue, is_allowed: bool) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    if is_allowed {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
}

fn preflight(path: &str, asked: &HeaderMap, origin: &HeaderValue, is_allowed: bool) -> HttpResponse {
    let methods = if path.starts_with("/v1/") { METHODS_OF_V1 } else { METHODS };
    let text = |name: HeaderName| asked.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let method = text(header::ACCESS_CONTROL_REQUEST_METHOD);
    let allows =
        |list: &str, wanted: &str| list.split(", ").any(|one| one.eq_ignore_ascii_case(wanted.trim()));
    let asks_for_headers = asked.contains_key(header::ACCESS_CONTROL_REQUEST_HEADERS);
    let mut headers = text(header::ACCESS_CONTROL_REQUEST_HEADERS).split(',').filter(|_| asks_for_headers);
    let refused: Vec<&str> = [
        (!is_allowed, "origin"),
        (!methods.split(", ").any(|known| known == method), "method"),
        (headers.any(|name| !allows(HEADERS, name)), "headers"),
    ]
    .into_iter()
    .filter_map(|(is_refused, what)| is_refused.then_some(what))
    .collect();
    let (status, body) = match refused.as_slice() {
        [] => (StatusCode::OK, "OK".to_owned()),
        refused => (StatusCode::BAD_REQUEST, format!("Disallowed CORS {}", refused.join(", "))),
    };
    let mut response = HttpResponse::build(status);
    response
        .content_type("text/plain; charset=utf-8")
        .insert_header((header::VARY, "Origin"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, methods))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, MAX_AGE))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS))
        .insert_header((header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"));
    if is_allowed {
        response.insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()));
    }
    response.body(body)
}
