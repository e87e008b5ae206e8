//! Gives each request headers of its own.
//!
//! As they come they are slices of the connection's buffer, and the HTTP library keeps the heads of requests for later
//! ones. One such head would hold on to the whole buffer, bodies with secrets in it included, long after request and
//! connection are gone.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderMap, HeaderValue},
    middleware::Next,
};

/// Copies the headers; to be the outermost layer, where nobody else has the request yet.
///
/// # Errors
/// Those of the layers within.
pub async fn with_own_headers<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let headers = request.headers_mut();
    let mut own = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers.iter() {
        // What was a value is one.
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            own.append(name.clone(), value);
        }
    }
    *headers = own;
    next.call(request).await
}
