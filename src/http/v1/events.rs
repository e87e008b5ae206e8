//! `/v1/jobs/{id}/events`: the numbered events of a job, as pages or as a stream.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use engine::EventQuery;
use model::{EventKind, JobId};
use serde_json::json;

use super::{
    job::{BAD_QUERY, JOB_ID, UNKNOWN_JOB, job_id},
    query::{self, Parameters},
    stream::{self, Framing, Sending, Source},
    view,
};
use crate::http::{
    api::Api,
    endpoint::{Access, Doc, Endpoint, MakeSchema, Parameter, Reply, Schemas, Verb},
    problem::{FaultCode, Problem, fault},
};

pub(super) const TAG: &str = "streams";

/// Describes pages and streams of events.
const ABOUT: &str = "A page, unless the client requests a stream. Server-sent events carry the number as `id`; a quiet stream sends a comment \
    every 15 s; after the last event of a job that has ended comes `event: end` with the job. Lines of JSON hold events \
    and nothing else.";

/// The value of `after` that selects no stored event.
const LATEST: &str = "latest";

pub(super) const FLAG: MakeSchema = |_| json!({"type": "boolean", "default": false});

/// The parameters that select events and their format.
pub(super) fn parameters() -> [Parameter; 11] {
    [
        Parameter::query(
            "after",
            |_| json!({"anyOf": [{"type": "integer", "minimum": 0, "maximum": i64::MAX}, {"const": LATEST}], "default": 0}),
            "Only events after this number. `latest`: only events that are stored from now on",
        ),
        Parameter::query(
            "limit",
            |_| json!({"type": "integer", "minimum": 1, "maximum": 1000}),
            "Maximum number of events. For a page, the default is 100 and the maximum is 1000; a stream has no limit by default",
        ),
        Parameter::query(
            "format",
            |_| json!({"enum": ["json", "sse", "ndjson"]}),
            "A page, server-sent events, or lines of JSON. The default depends on `Accept`",
        ),
        Parameter::query(
            "follow",
            |_| json!({"type": "boolean"}),
            "Continue with new events; otherwise a stream ends with the last stored event. The default is `true` for `sse`, else `false`",
        ),
        Parameter::query("download", FLAG, "Lines of JSON as a file"),
        Parameter::query("host", |_| json!({"type": "string"}), "Only events about this host"),
        Parameter::query(
            "task",
            |_| json!({"type": "string"}),
            "Only events of this task, by its whole name",
        ),
        Parameter::query(
            "kind",
            |_| json!({"type": "string", "pattern": "^[A-Za-z0-9_]{1,64}$"}),
            "Only events of this kind",
        ),
        Parameter::query(
            "changed",
            FLAG,
            "Only events that report a change; with `failed`: a change or a failure",
        ),
        Parameter::query("failed", FLAG, "Only events that report a failure that was not ignored"),
        Parameter::header(
            "Last-Event-ID",
            |_| json!({"type": "integer", "minimum": 0}),
            "Takes precedence over `after`: browsers send it when they reconnect",
        ),
    ]
}

/// A response with a page of this schema, or a stream.
pub(super) fn events_reply(page: MakeSchema) -> Reply {
    Reply::json(200, "Events", page).body("text/event-stream", None).body("application/x-ndjson", None)
}

pub(super) fn endpoint() -> Endpoint {
    let doc = Doc::new("job_events", TAG, "Returns the numbered events of a job.")
        .about(ABOUT)
        .parameters([JOB_ID])
        .parameters(parameters())
        .replies([events_reply(Schemas::of::<api::EventPage>)])
        .problems([UNKNOWN_JOB, BAD_QUERY])
        .streams();
    Endpoint::new(Verb::Get, "/v1/jobs/{id}/events", Access::VIEWER, events, doc).job("id")
}

/// A request for events, of one job or of all jobs.
pub(super) struct EventsRequest {
    /// The selection. For a page, its limit is one more than requested, to determine whether there is a next page.
    pub query: EventQuery,
    /// Whether the events begin after the last stored one, whose number the handler knows.
    pub from_latest: bool,
    /// `None` for a page.
    pub sending: Option<Sending>,
}

impl EventsRequest {
    /// Reads the query and the headers. The file name of a download is based on `name`.
    pub(super) fn read(request: &HttpRequest, query: &Parameters, name: &str) -> Result<Self, Problem> {
        query.only_known()?;
        let download = query::flag(query, "download")?.unwrap_or(false);
        let framing = match query::word(query, "format", &["json", "sse", "ndjson"])? {
            None if download => Some(Framing::Lines),
            format => Framing::wanted(request, format),
        };
        let follow = query::flag(query, "follow")?;
        let from_latest = query.get("after").is_some_and(|after| after == LATEST);
        let wanted = EventQuery {
            after: if from_latest { 0 } else { after(query)? },
            until: None,
            limit: 0,
            host: query.get("host").cloned(),
            task: query.get("task").cloned(),
            kind: kind(query)?,
            changed: query::flag(query, "changed")?.unwrap_or(false),
            failed: query::flag(query, "failed")?.unwrap_or(false),
        };
        let Some(framing) = framing else {
            let limit: u32 = query::number(query, "limit", 1..=1000)?.unwrap_or(100);
            return Ok(Self { query: EventQuery { limit: limit + 1, ..wanted }, from_latest, sending: None });
        };
        let sending = Sending {
            framing,
            follow: follow.unwrap_or(framing == Framing::ServerSent),
            limit: query::number(query, "limit", 1..=i64::MAX)?.map(i64::unsigned_abs),
            file_name: (download && framing == Framing::Lines).then(|| format!("{name}.ndjson")),
        };
        // When a browser reconnects, `Last-Event-ID` is more recent than `after` in the URL.
        let last = last_event_id(request);
        let query = EventQuery { after: last.unwrap_or(wanted.after), ..wanted };
        Ok(Self { query, from_latest: from_latest && last.is_none(), sending: Some(sending) })
    }
}

async fn events(
    api: Data<Api>,
    id: Path<String>,
    query: Parameters,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut wanted = EventsRequest::read(&request, &query, &id)?;
    let id = job_id(&id)?;
    if wanted.from_latest {
        wanted.query.after = api.engine.jobs().get(id).await?.last_seq;
    }
    let Some(sending) = wanted.sending else { return page(&api, id, &wanted.query).await };
    let slot = api.guard.slot(&request, &api.shutdown)?;
    let following = Source::Job(Box::new(api.engine.events().follow(id, wanted.query).await?));
    Ok(stream::response(following, sending, slot, &api.engine))
}

/// The events after a number. `next` is the `after` of the next page; `null` if there are no more events at
/// present.
async fn page(api: &Api, id: JobId, query: &EventQuery) -> Result<HttpResponse, Problem> {
    let mut events = api.engine.events().list(id, query).await?;
    let next = next(&mut events, query).map(|event| event.seq);
    let items = events.into_iter().map(view::event).collect();
    Ok(HttpResponse::Ok().json(api::EventPage { items, next }))
}

/// Removes the surplus event, if there is one, and returns the last remaining one, after which the next page
/// starts.
pub(super) fn next<'a, E>(found: &'a mut Vec<E>, query: &EventQuery) -> Option<&'a E> {
    let is_full = found.len() >= query.limit as usize;
    if is_full {
        found.pop();
    }
    found.last().filter(|_| is_full)
}

fn after(query: &Parameters) -> Result<u64, Problem> {
    Ok(query::number(query, "after", 0..=i64::MAX)?.unwrap_or(0).unsigned_abs())
}

/// Rejects an invalid kind, which would match nothing.
fn kind(query: &Parameters) -> Result<Option<EventKind>, Problem> {
    let Some(text) = query.get("kind") else { return Ok(None) };
    match text.parse::<EventKind>() {
        Ok(kind) if kind.as_str() == text && !text.is_empty() => Ok(Some(kind)),
        _ => {
            let message =
                format!("`{}` is no kind: use letters, digits and `_`, at most 64", text.escape_debug());
            Err(Problem::invalid(vec![fault("kind", FaultCode::InvalidValue, message)]))
        }
    }
}

fn last_event_id(request: &HttpRequest) -> Option<u64> {
    let id = request.headers().get("last-event-id")?.to_str().ok()?.parse::<i64>().ok()?;
    u64::try_from(id).ok()
}
