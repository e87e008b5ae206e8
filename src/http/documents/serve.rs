//! `/docs`: the OpenAPI document, Swagger UI, and ReDoc. All files are embedded in the binary: the pages work
//! offline, and their content security policy blocks external resources.
//!
//! The content is static, so it is prepared once (`prepared.rs`).

use std::{
    sync::{LazyLock, Once},
    thread,
};

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::StatusCode,
    web::{Bytes, Path},
};
use serde_json::json;

use crate::http::{
    endpoint::{Access, Doc, Endpoint, Parameter, Reply, Schemas, Verb},
    prepared::Prepared,
    v0::ErrorReply,
};

/// Only allows scripts of this service that are not inline. Both pages create styles and images at run time, and
/// ReDoc also creates its search worker.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// An embedded file of `web/`.
macro_rules! asset {
    ($path:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/", $path)).as_slice()
    };
}
/// Files of `web/` by their names under `/docs/assets`. Each is prepared by its first request, because reading all
/// 3 MB at startup would load them into memory unnecessarily.
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

/// The document in the repository. A test checks that it equals the generated one, and embedding it avoids the
/// megabytes of memory that generating it takes.
pub(super) const WRITTEN: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json"));
static SWAGGER: LazyLock<Prepared> = LazyLock::new(|| page(asset!("docs/swagger.html")));
static REDOC: LazyLock<Prepared> = LazyLock::new(|| page(asset!("docs/redoc.html")));
static REDIRECT: LazyLock<Prepared> = LazyLock::new(|| page(asset!("docs/oauth2-redirect.html")));

/// JSON without whitespace between its tokens.
pub(super) fn compact(json: &str) -> Vec<u8> {
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
    Prepared::page(Bytes::from_static(content), POLICY)
}

/// Prepares the largest document in the background at startup, so that neither the startup nor the first request
/// waits for it.
pub(in crate::http) fn prepare() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| drop(thread::spawn(|| LazyLock::force(&OPENAPI))));
}

const TAG: &str = "documents";

/// The pages need no authentication: they are the same for everyone, and part of the public distribution.
pub(in crate::http) fn endpoints() -> Vec<Endpoint> {
    let openapi = Reply::text(200, "OpenAPI 3.1", "application/json");
    let page = || Reply::text(200, "The page", "text/html");
    let about_file = "A script or style sheet of these pages.";
    let file = Parameter::path("file", |_| json!({"type": "string"}), "The name of the file")
        .example("swagger-ui.css");
    let asset = Doc::new("docs_asset", TAG, about_file).parameters([file]).replies([
        Reply::text(200, "The file", "text/javascript").body("text/css", None).body("image/png", None),
        NOT_MODIFIED,
        Reply::json(404, "No such file", Schemas::of::<api::v0::Detail>),
    ]);
    vec![
        fixed("/docs/openapi.json", &OPENAPI, Doc::new("openapi", TAG, "This document."), openapi),
        fixed(
            "/docs/swagger",
            &SWAGGER,
            Doc::new("swagger_ui", TAG, "This document in Swagger UI, to read and to try out."),
            page(),
        ),
        fixed("/docs/redoc", &REDOC, Doc::new("redoc", TAG, "This document in ReDoc, to read."), page()),
        fixed(
            "/docs/oauth2-redirect",
            &REDIRECT,
            Doc::new("oauth2_redirect", TAG, "Where a login of Swagger UI comes back to."),
            page(),
        ),
        Endpoint::new(Verb::Get, "/docs/assets/{file}", Access::Open, show_asset, asset.cannot_fail())
            .head()
            .any_origin(),
    ]
}

pub(in crate::http) const NOT_MODIFIED: Reply =
    Reply::empty(304, "Not changed since the `ETag` of `If-None-Match`");

/// The endpoint of a static response.
fn fixed(path: &'static str, prepared: &'static LazyLock<Prepared>, doc: Doc, reply: Reply) -> Endpoint {
    let answer = move |request: HttpRequest| async move { prepared.answer(&request) };
    let doc = doc.replies([reply, NOT_MODIFIED]).cannot_fail();
    Endpoint::new(Verb::Get, path, Access::Open, answer, doc).head().any_origin()
}

async fn show_asset(file: Path<String>, request: HttpRequest) -> HttpResponse {
    match ASSETS.iter().find(|(name, _)| *name == file.as_str()) {
        Some((_, prepared)) => prepared.answer(&request),
        None => ErrorReply::new(StatusCode::NOT_FOUND, "Not Found").error_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_parts_is_left_out() {
        let pretty = "{\n  \"a b\": [ \"\\\" : \\\\\", 1 ],\n  \"c\\\\\": null\n}\n";
        assert_eq!(compact(pretty), br#"{"a b":["\" : \\",1],"c\\":null}"#);
    }
}
