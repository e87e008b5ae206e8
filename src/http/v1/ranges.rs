//! `/v1/ranges`: create a range, list ranges.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use serde_json::json;

use super::{
    job::{BAD_QUERY, WAIT},
    query::{self, Parameters},
    range_body,
    range_error::of_document,
    range_reply::{
        CONFIRM, DIGEST, DOCUMENT_PROBLEMS, DRY_RUN, RANGE_TAG, changed, done_or_plan_reply, list_of,
        request_of, started_reply,
    },
    view,
};
use crate::http::{
    access::Caller,
    api::Api,
    document_body::DocumentBody,
    endpoint::{Access, Body, Doc, Endpoint, Parameter, Reply, Schemas, Verb},
    problem::{FaultCode, Problem, ProblemCode, fault},
};

/// How many ranges a page has unless the caller sets a limit.
const PAGE: u32 = 50;
const MAX_PAGE: u32 = 500;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(
            Verb::Post,
            "/v1/ranges",
            Access::OPERATOR,
            create,
            Doc::new("create_range", RANGE_TAG, "Creates a range from a document.")
                .about(
                    "The body is a request that contains the document, or the document itself, as JSON or as YAML \
                     (`application/yaml`), up to 10 MiB. The plan is stored, and a job carries it out.",
                )
                .parameters([DRY_RUN, WAIT, DIGEST, CONFIRM])
                .body(document_body())
                .replies([done_or_plan_reply(), started_reply()])
                .problems(DOCUMENT_PROBLEMS)
                .problems([(ProblemCode::RangeExists, ""), (ProblemCode::QueueFull, "")]),
        ),
        Endpoint::new(
            Verb::Get,
            "/v1/ranges",
            Access::VIEWER,
            list,
            Doc::new("list_ranges", RANGE_TAG, "Lists ranges, oldest first.")
                .parameters([
                    Parameter::query(
                        "after",
                        |_| json!({"type": "string", "minLength": 1}),
                        "Only ranges created after this one: `next` of a page",
                    ),
                    Parameter::query(
                        "limit",
                        |_| json!({"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": PAGE}),
                        "At most so many",
                    ),
                ])
                .replies([Reply::json(200, "A page", Schemas::of::<api::RangePage>)])
                .problems([(ProblemCode::UnknownRange, "there is no range `after`"), BAD_QUERY]),
        ),
    ]
}

/// The body of requests with a document.
pub(super) fn document_body() -> Body {
    let schema = |schemas: &mut Schemas| {
        let alone = json!({
            "type": "object", "required": ["name", "platform", "machines"], "not": {"required": ["document"]},
            "description": "The range document: docs/range-document.md",
        });
        json!({ "anyOf": [schemas.of::<api::NewRange>(), alone] })
    };
    let body = Body::new(schema, || {
        json!({"document": {
            "name": "lab",
            "platform": "simulated",
            "networks": {"lan": {}},
            "machines": {
                "gw": {"template": "debian-12", "role": "router", "networks": ["lan", "uplink"]},
                "web": {"template": "debian-12", "networks": ["lan"], "needs": ["gw"]},
            },
        }})
    });
    body.or_yaml()
}

/// Creates a range; returns 202 with the range and the job. With `?dry_run=true`, returns 200 with the plan, and stores
/// nothing.
async fn create(
    api: Data<Api>,
    body: DocumentBody,
    query: Parameters,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    query.only_known()?;
    let (wait, dry_run) = (query::wait(&query, &api)?, query::flag(&query, "dry_run")?);
    let requested = range_body::document(body)?;
    let wanted = request_of(requested, &query);
    let ranges = api.engine.ranges();
    if dry_run.unwrap_or(false) {
        let preview = ranges.preview(None, &wanted).await.map_err(of_document)?;
        return Ok(HttpResponse::Ok().json(view::plan(&preview.plan)));
    }
    let applied = ranges.create(wanted, &Caller::submitter_of(&request)).await.map_err(of_document)?;
    changed(&api, applied, wait).await
}

/// Lists ranges, oldest first. `next` is the `after` of the next page.
async fn list(api: Data<Api>, query: Parameters) -> Result<HttpResponse, Problem> {
    query.only_known()?;
    let limit = query::number(&query, "limit", 1..=MAX_PAGE)?.unwrap_or(PAGE);
    let after = match query.get("after") {
        Some(id) if id.is_empty() => {
            return Err(Problem::invalid(vec![fault(
                "after",
                FaultCode::InvalidValue,
                "use the ID of a range",
            )]));
        }
        Some(id) => {
            let range = api.engine.ranges().find(id).await?;
            Some((range.created_at, range.id))
        }
        None => None,
    };
    let ranges = api.engine.ranges().list(after, limit).await?;
    let is_full = u32::try_from(ranges.len()).is_ok_and(|found| found == limit);
    let next = ranges.last().filter(|_| is_full).map(|range| range.id.to_string());
    let items = list_of(&api, ranges).await?;
    Ok(HttpResponse::Ok().json(api::RangePage { items, next }))
}
