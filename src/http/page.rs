//! `/`: the web page of `web/app`. Its built files are embedded in the binary and compressed. It contains no data, so it
//! needs no authentication; it calls `/v1` with the token of its user.
//!
//! The Local Deployments Orchestrator has its status at `/`. Clients that don't accept HTML get that.

use std::sync::LazyLock;

use actix_web::{
    Either, HttpRequest, HttpResponse, ResponseError,
    http::{StatusCode, header},
    web::{Bytes, Data, Path},
};
use serde_json::json;

use super::{
    api::Api,
    documents::serve::NOT_MODIFIED,
    endpoint::{Access, Doc, Endpoint, Parameter, Reply, Schemas, Verb},
    ldo,
    prepared::Prepared,
    v0::ErrorReply,
};

const TAG: &str = "page";

/// Scripts and styles come from the service only, and none is inline. Text can't become markup or script: the page creates
/// no trusted types.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// A built file of the page.
macro_rules! built {
    ($path:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/app/dist/", $path)).as_slice()
    };
}

static PAGE: LazyLock<Prepared> =
    LazyLock::new(|| Prepared::page(Bytes::from_static(built!("index.html")), POLICY).compressed());

type Preparation = Box<dyn FnOnce() -> Prepared + Send>;

/// The files below `app/`. Each is compressed when it is first requested.
static FILES: LazyLock<Vec<(&str, LazyLock<Prepared, Preparation>)>> = LazyLock::new(|| {
    let file = |(name, media, content): (&'static str, &'static str, &'static [u8])| {
        let prepare: Preparation =
            Box::new(move || Prepared::new(media, Bytes::from_static(content)).compressed());
        (name, LazyLock::new(prepare))
    };
    [
        ("index.js", SCRIPT, built!("app/index.js")),
        ("index.css", STYLE, built!("app/index.css")),
        ("pages.js", SCRIPT, built!("app/pages.js")),
        ("GraphView.js", SCRIPT, built!("app/GraphView.js")),
        ("GraphView.css", STYLE, built!("app/GraphView.css")),
        ("licenses.md", "text/markdown; charset=utf-8", built!("app/licenses.md")),
        ("icon.svg", "image/svg+xml", built!("app/icon.svg")),
    ]
    .into_iter()
    .map(file)
    .collect()
});

pub(super) fn endpoints() -> Vec<Endpoint> {
    let root = Doc::new("page", TAG, "The web page, or the status of the orchestrator's API.")
        .about("Clients that accept HTML get the page. Others get the status of the API of the Local Deployments Orchestrator.")
        .replies([
            Reply::json(200, "The page, or the status", Schemas::of::<api::ldo::Online>).body("text/html", None),
            NOT_MODIFIED,
            Reply::json(404, "The orchestrator's API is disabled", Schemas::of::<api::ldo::Error>),
        ])
        .cannot_fail();
    let name =
        Parameter::path("file", |_| json!({"type": "string"}), "The name of the file").example("index.js");
    let file =
        Doc::new("page_file", TAG, "A script, style sheet, or image of the web page, or its licenses.")
            .parameters([name])
            .replies([
                Reply::text(200, "The file", "text/javascript")
                    .body("text/css", None)
                    .body("image/svg+xml", None)
                    .body("text/markdown", None),
                NOT_MODIFIED,
                Reply::json(404, "No such file", Schemas::of::<api::v0::Detail>),
            ]);
    vec![
        Endpoint::new(Verb::Get, "/", Access::Open, show, root).head().any_origin(),
        Endpoint::new(Verb::Get, "/app/{file}", Access::Open, show_file, file.cannot_fail())
            .head()
            .any_origin(),
    ]
}

async fn show(
    api: Data<Api>,
    request: HttpRequest,
) -> Either<HttpResponse, Result<HttpResponse, ldo::error_reply::ErrorReply>> {
    let accepted = request.headers().get_all(header::ACCEPT).filter_map(|value| value.to_str().ok());
    if accepted.flat_map(|list| list.split(',')).any(|media| media.trim().starts_with("text/html")) {
        return Either::Left(PAGE.answer(&request));
    }
    Either::Right(ldo::online(&api))
}

async fn show_file(file: Path<String>, request: HttpRequest) -> HttpResponse {
    match FILES.iter().find(|(name, _)| *name == file.as_str()) {
        Some((_, prepared)) => prepared.answer(&request),
        None => ErrorReply::new(StatusCode::NOT_FOUND, "Not Found").error_response(),
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs};

    use super::*;

    #[test]
    fn every_built_file_is_embedded() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/web/app/dist/app");
        let built = fs::read_dir(directory).expect("the built files");
        let built: BTreeSet<_> =
            built.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect();
        let embedded: BTreeSet<_> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(built, embedded);
    }

    #[test]
    fn the_first_page_is_at_most_120_kb_compressed() {
        let first = ["index.js", "index.css"];
        let sizes =
            FILES.iter().filter(|(name, _)| first.contains(name)).map(|(_, file)| file.compressed_size());
        let size = sizes.sum::<usize>() + PAGE.compressed_size();
        assert!(size <= 120_000, "{size} bytes");
    }
}
