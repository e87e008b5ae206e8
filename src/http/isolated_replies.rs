//! Response headers that isolate responses from pages of other origins: no response can be embedded as a script,
//! style sheet, image, or frame, and none is interpreted as another content type. Pages that CORS allows can still
//! read responses.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::header::{self, HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
};

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Adds the headers to every response.
///
/// # Errors
/// Errors of the inner layers.
pub async fn with_isolated_replies<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    match next.call(request).await {
        Ok(mut response) => {
            isolate(response.headers_mut());
            Ok(response)
        }
        // An error of an inner layer.
        Err(error) => {
            let mut response = error.error_response();
            isolate(response.headers_mut());
            Err(InternalError::from_response(error, response).into())
        }
    }
}

fn isolate(headers: &mut HeaderMap) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
}
