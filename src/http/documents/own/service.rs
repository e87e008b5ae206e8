//! Health, figures and documents.

use super::{Reply, Row, json_of, json_reply};

const TAG: &str = "service";

const NOT_MODIFIED: Reply = Reply {
    status: "304",
    about: "Not changed since the `ETag` of `If-None-Match`",
    bodies: &[],
    headers: &[],
};

const fn page(path: &'static str, operation: &'static str, summary: &'static str) -> Row {
    Row::new("GET", path, operation, "documents", summary).plain().by(None).replies(&[
        Reply { status: "200", about: "The page", bodies: &[("text/html", None)], headers: &[] },
        NOT_MODIFIED,
    ])
}

pub(super) const ROWS: &[Row] = &[
    Row::new("GET", "/healthz", "health", TAG, "Is the service alive?")
        .plain()
        .by(None)
        .replies(&[json_reply("200", "It answers: that is all this says", &[json_of("Health")])]),
    Row::new("GET", "/readyz", "readiness", TAG, "Can the service work?").plain().by(None).replies(&[
        json_reply("200", "The store answers and Ansible can be started", &[json_of("Readiness")]),
        json_reply("503", "Something does not work; `hint` says what to do", &[json_of("Readiness")]),
    ]),
    Row::new("GET", "/metrics", "metrics", TAG, "Figures for Prometheus, text format 0.0.4.")
        .plain()
        .replies(&[Reply { status: "200", about: "Figures", bodies: &[("text/plain", None)], headers: &[] }])
        .problems(&[(500, "`internal_error`")]),
    Row::new("GET", "/docs/openapi.json", "openapi", "documents", "This document.").plain().by(None).replies(
        &[
            Reply {
                status: "200",
                about: "OpenAPI 3.1",
                bodies: &[("application/json", None)],
                headers: &[],
            },
            NOT_MODIFIED,
        ],
    ),
    page("/docs/swagger", "swagger_ui", "This document in Swagger UI, to read and to try out."),
    page("/docs/redoc", "redoc", "This document in ReDoc, to read."),
    page("/docs/oauth2-redirect", "oauth2_redirect", "Where a login of Swagger UI comes back to."),
    Row::new(
        "GET",
        "/docs/assets/{file}",
        "docs_asset",
        "documents",
        "A script or style sheet of these pages.",
    )
    .plain()
    .by(None)
    .replies(&[
        Reply {
            status: "200",
            about: "The file",
            bodies: &[("text/javascript", None), ("text/css", None), ("image/png", None)],
            headers: &[],
        },
        NOT_MODIFIED,
        json_reply("404", "No such file", &[json_of("V0Detail")]),
    ]),
];
