//! Headers by which browsers keep replies out of pages of other origins: no reply is a script, a style, an image, or a frame of
//! one, and none is taken for another type than it says. Pages that CORS allows read replies as before.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::header::{self, HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
};

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Adds them to every reply.
///
/// # Errors
/// Those of the layers within.
pub async fn with_isolated_replies<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    match next.call(request).await {
        Ok(mut response) => {
            isolate(response.headers_mut());
            Ok(response)
        }
        // A refusal of another layer.
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
