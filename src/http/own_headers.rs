//! Copies the headers of each request.
//!
//! Header values are slices of the connection's buffer, and the HTTP library reuses request heads. Such a head
//! would keep the whole buffer alive, including bodies with secrets, long after the request and the connection have
//! ended.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderMap, HeaderValue},
    middleware::Next,
};

/// Copies the headers. This must be the outermost layer, before other layers have a reference to the request.
///
/// # Errors
/// Errors of the inner layers.
pub async fn with_own_headers<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let headers = request.headers_mut();
    let mut own = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers.iter() {
        // The value was valid before, so this always succeeds.
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            own.append(name.clone(), value);
        }
    }
    *headers = own;
    next.call(request).await
}
