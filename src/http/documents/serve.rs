//! `/docs`: the OpenAPI document, Swagger UI and ReDoc. Everything comes from inside of the program: the pages work without
//! a network, and their policy lets them load nothing from elsewhere.
//!
//! What is served never changes while the program runs, so it is prepared once; a browser that has it asks by `ETag`.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::LazyLock,
};

use actix_web::{
    HttpRequest, HttpResponse, Resource, ResponseError,
    http::{StatusCode, header},
    web::{self, Bytes, Path, ServiceConfig},
};

use super::openapi;
use crate::http::v0::Refusal;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// Scripts only from here and never inline. Both pages make styles and images while they run, ReDoc also its search.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// A file of `web/`, from inside of the program.
macro_rules! asset {
    ($path:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/", $path)).as_slice()
    };
}
/// Files of `web/` by their names under `/docs/assets`.
static ASSETS: LazyLock<Vec<(&str, Prepared)>> = LazyLock::new(|| {
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
    .map(|(name, media, content)| (name, Prepared::new(media, Bytes::from_static(content))))
    .collect()
});

static OPENAPI: LazyLock<Prepared> =
    LazyLock::new(|| Prepared::new("application/json", openapi::value().to_string().into()));
static SWAGGER: LazyLock<Prepared> = LazyLock::new(|| Prepared::page(asset!("docs/swagger.html")));
static REDOC: LazyLock<Prepared> = LazyLock::new(|| Prepared::page(asset!("docs/redoc.html")));
static REDIRECT: LazyLock<Prepared> = LazyLock::new(|| Prepared::page(asset!("docs/oauth2-redirect.html")));

/// Something that never changes, ready to be sent.
struct Prepared {
    media: &'static str,
    content: Bytes,
    tag: String,
}

impl Prepared {
    fn new(media: &'static str, content: Bytes) -> Self {
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        let tag = format!("\"{:016x}\"", hasher.finish());
        Self { media, content, tag }
    }

    fn page(content: &'static [u8]) -> Self {
        Self::new(HTML, Bytes::from_static(content))
    }

    fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let known = request.headers().get_all(header::IF_NONE_MATCH);
        let is_known = known.filter_map(|value| value.to_str().ok()).any(|value| value.contains(&self.tag));
        let status = if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
        let mut response = HttpResponse::build(status);
        response
            .insert_header((header::ETAG, self.tag.as_str()))
            .insert_header((header::CACHE_CONTROL, "no-cache"))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
        if self.media == HTML {
            response.insert_header((header::CONTENT_SECURITY_POLICY, POLICY));
        }
        if is_known {
            return response.finish();
        }
        response.insert_header((header::CONTENT_TYPE, self.media)).body(self.content.clone())
    }
}

pub(in crate::http) fn routes(config: &mut ServiceConfig) {
    // Made at the start, not by the first who asks.
    LazyLock::force(&OPENAPI);
    LazyLock::force(&ASSETS);
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
