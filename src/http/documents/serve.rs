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

use super::{openapi, prepared::Prepared};
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
    LazyLock::new(|| Prepared::new("application/json", openapi::value().to_string().into()).compressed());
static SWAGGER: LazyLock<Prepared> = LazyLock::new(|| page(asset!("docs/swagger.html")));
static REDOC: LazyLock<Prepared> = LazyLock::new(|| page(asset!("docs/redoc.html")));
static REDIRECT: LazyLock<Prepared> = LazyLock::new(|| page(asset!("docs/oauth2-redirect.html")));

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
