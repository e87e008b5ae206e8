//! Request IDs. The ID is taken from `X-Request-Id` if it is valid there, and generated otherwise. It is returned
//! in the response headers and in every problem, and is part of the request's log line.

use std::time::Instant;

use actix_web::{
    Error, HttpMessage,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
    middleware::Next,
};
use tracing::Instrument;
use uuid::Uuid;

use super::{
    access::{Caller, Rejected, shortened},
    current_request::CURRENT,
};

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The middleware.
///
/// # Errors
/// Errors of the inner service.
pub async fn with_request_id(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let id = given(&request).unwrap_or_else(|| Uuid::now_v7().to_string());
    let span = tracing::info_span!("request", request.id = %id);
    let (method, path) = (request.method().clone(), request.path().to_owned());
    let begun = Instant::now();
    let answer = CURRENT.scope(id.clone(), next.call(request)).instrument(span.clone()).await;
    let mut response = answer?;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    let status = response.status().as_u16();
    let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (caller, refused) = {
        let extensions = response.request().extensions();
        (extensions.get::<Caller>().map(|caller| caller.name.clone()), extensions.get::<Rejected>().is_some())
    };
    // The guard logs rejections, and limits their number.
    if refused {
        return Ok(response);
    }
    span.in_scope(|| {
        let (method, path) = (shortened(method.as_str()), shortened(&path));
        tracing::info!(
            http.method = method,
            http.path = path,
            http.status = status,
            caller,
            duration_ms,
            "answered"
        );
    });
    Ok(response)
}

fn given(request: &ServiceRequest) -> Option<String> {
    let text = request.headers().get(HEADER)?.to_str().ok()?;
    let sane = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    ((1..=64).contains(&text.len()) && text.chars().all(sane)).then(|| text.to_owned())
}
