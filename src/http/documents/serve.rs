//! `/docs`: the OpenAPI document, Swagger UI and ReDoc. Everything comes from inside of the program: the pages work without
//! a network, and their policy lets them load nothing from elsewhere.
//!
//! What is served never changes while the program runs, so it is prepared once (`prepared.rs`).

use std::{
    sync::{LazyLock, Once},
    thread,
};

use actix_web::{
    HttpRequest, HttpResponse, Resource, ResponseError,
    http::StatusCode,
    web::{self, Bytes, Path, ServiceConfig},
};

use super::prepared::Prepared;
use crate::http::v0::Refusal;

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// A file of `web/`, from inside of the program.
macro_rules! asset {
    ($path:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/", $path)).as_slice()
    };
}
/// Files of `web/` by their names under `/docs/assets`. Each is prepared by the first who asks: reading all 3 MB at the start
/// would bring them into memory for nobody.
static ASSETS: LazyLock<Vec<(&str, LazyLock<Prepared, Preparation>)>> = LazyLock::new(|| {
    let file = |(name, media, content): (&'static str, &'static str, &'static [u8])| {
        let prepare: Preparation = Box::new(move || Prepared::new(media, Bytes::from_static(content)));
        (name, LazyLock::new(prepare))
    };
    [
        ("swagger-ui-bundle.js", SCRIPT, asset!("vendor/swagger-ui/swagger-ui-bundle.js")),
        ("swagger-ui.css", STYLE, asset!("vendor/swagger-ui/swagger-ui.css")),
        ("oauth2-redirect.js", SCRIPT, asset!("vendor/swagger-ui/oauth2-redirect.js")),
        ("favicon-32x32.png", "image/png", asset!("vendor/swagger-ui/favicon-32x32.png")),
        ("redoc.standalone.js", SCRIPT, asset!("vendor/redoc/redoc.standalone.js")),
        ("swagger.js", SCRIPT, asset!("docs/swagger.js")),
        ("redoc.js", SCRIPT, asset!("docs/redoc.js")),
        ("redoc.css", STYLE, asset!("docs/redoc.css")),
    ]
    .into_iter()
    .map(file)
    .collect()
});

type Preparation = Box<dyn FnOnce() -> Prepared + Send>;

static OPENAPI: LazyLock<Prepared> =
    LazyLock::new(|| Prepared::new("application/json", compact(WRITTEN).into()).compressed());

/// The document as it is in the repository: the same that is made from the rows, as a test tells, and here without the
/// megabytes that making it takes.
const WRITTEN: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json"));
static SWAGGER: LazyLock<Prepared> = LazyLock::new(|| page(asset!("docs/swagger.html")));
static REDOC: LazyLock<Prepared> = LazyLock::new(|| page(asset!("docs/redoc.html")));
static REDIRECT: LazyLock<Prepared> = LazyLock::new(|| page(asset!("docs/oauth2-redirect.html")));

/// JSON without white space between its parts.
fn compact(json: &str) -> Vec<u8> {
    let mut is_text = false;
    let mut is_escaped = false;
    let mut compact = Vec::with_capacity(json.len());
    for byte in json.bytes() {
        if is_text || !byte.is_ascii_whitespace() {
            compact.push(byte);
        }
        is_text ^= byte == b'"' && !is_escaped;
        is_escaped = is_text && byte == b'\\' && !is_escaped;
    }
    compact
}

fn page(content: &'static [u8]) -> Prepared {
    Prepared::page(Bytes::from_static(content))
}

pub(in crate::http) fn routes(config: &mut ServiceConfig) {
    // Made at the start, not by the first who asks, and without keeping the start waiting.
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| drop(thread::spawn(|| LazyLock::force(&OPENAPI))));
    let fixed = |resource: Resource, prepared: &'static LazyLock<Prepared>| {
        let answer = move |request: HttpRequest| async move { prepared.answer(&request) };
        resource.route(web::get().to(answer)).route(web::head().to(answer))
    };
    config
        .service(fixed(resource("/docs/openapi.json", "GET, HEAD"), &OPENAPI))
        .service(fixed(resource("/docs/swagger", "GET, HEAD"), &SWAGGER))
        .service(fixed(resource("/docs/redoc", "GET, HEAD"), &REDOC))
        .service(fixed(resource("/docs/oauth2-redirect", "GET, HEAD"), &REDIRECT))
        .service(
            resource("/docs/assets/{file}", "GET, HEAD")
                .route(web::get().to(show_asset))
                .route(web::head().to(show_asset)),
        );
}

async fn show_asset(file: Path<String>, request: HttpRequest) -> HttpResponse {
    match ASSETS.iter().find(|(name, _)| *name == file.as_str()) {
        Some((_, prepared)) => prepared.answer(&request),
        None => Refusal::new(StatusCode::NOT_FOUND, "Not Found").error_response(),
    }
}

/// These paths are older than v1, and refuse in v0's words.
fn resource(path: &str, methods: &'static str) -> Resource {
    web::resource(path).default_service(web::to(move || async move {
        Err::<&str, _>(Refusal::wrong_method(methods.to_owned()))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::documents::openapi;

    #[test]
    fn what_is_served_is_what_the_rows_say() {
        assert_eq!(compact(WRITTEN), openapi::value().to_string().into_bytes());
    }

    #[test]
    fn only_what_is_between_the_parts_is_left_out() {
        let pretty = "{\n  \"a b\": [ \"\\\" : \\\\\", 1 ],\n  \"c\\\\\": null\n}\n";
        assert_eq!(compact(pretty), br#"{"a b":["\" : \\",1],"c\\":null}"#);
    }
}
