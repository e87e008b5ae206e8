//! Which pages in browsers may call.

use actix_cors::Cors;
use actix_web::http::{Method, header};

use crate::settings::OriginPattern;

/// Allows pages whose whole origin matches, with credentials.
pub fn cors(origins: &OriginPattern) -> Cors {
    let origins = origins.clone();
    Cors::default()
        .allowed_origin_fn(move |origin, _| origin.to_str().is_ok_and(|origin| origins.allows(origin)))
        .allowed_methods([Method::GET, Method::POST, Method::DELETE, Method::OPTIONS])
        .allowed_headers([
            header::ACCEPT,
            header::ACCEPT_LANGUAGE,
            header::AUTHORIZATION,
            header::CONTENT_LANGUAGE,
            header::CONTENT_TYPE,
        ])
        .expose_headers([
            "content-disposition",
            "location",
            "x-log-lines",
            "x-log-next",
            "x-rangehand-job",
            "x-request-id",
        ])
        .supports_credentials()
        .max_age(600)
}
