//! `/v1/ranges/{id}/actions/`: what is done with a range as a whole.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use engine::RangeAction;
use jiff::{SignedDuration, Timestamp};
use model::StoredRange;
use range::document::Span;
use range::plan::{RangeAction as MachineAction, Scope};
use serde_json::{Value, json};

use super::{
    fields::Fields,
    job::{BAD_QUERY, WAIT},
    query::{self, Parameters},
    range::found,
    range_body,
    range_reply::{RANGE_ID, RANGE_TAG, UNKNOWN_RANGE, changed, done_reply, started_reply},
};
use crate::http::{
    access::Caller,
    api::Api,
    document_body::DocumentBody,
    endpoint::{Access, Body, Doc, Endpoint, Verb},
    problem::{FaultCode, Problem, ProblemCode},
};

/// The body of an action.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// No body, or an empty object.
    Nothing,
    /// `{"name": "..."}`: the name of a snapshot.
    Name,
    /// `{"by": "2h"}` or `{"until": "..."}`.
    Time,
}

/// An action.
#[derive(Clone, Copy)]
struct Action {
    word: &'static str,
    summary: &'static str,
    about: &'static str,
    takes: Takes,
    /// Takes its fields from the body.
    read: fn(&mut Fields, &StoredRange) -> RangeAction,
}

/// An action without a body.
macro_rules! plain {
    ($word:literal, $action:expr, $summary:literal, $about:literal) => {
        Action { word: $word, summary: $summary, about: $about, takes: Takes::Nothing, read: |_, _| $action }
    };
}

const ACTIONS: &[Action] = &[
    plain!("start", on_machines(MachineAction::Start), "Starts all machines of a range.", ""),
    plain!("stop", on_machines(MachineAction::Stop), "Stops all machines of a range.", ""),
    Action {
        word: "snapshot",
        summary: "Takes a snapshot of all machines of a range.",
        about: "",
        takes: Takes::Name,
        read: |fields, _| on_machines(MachineAction::Snapshot { snapshot: snapshot_name(fields) }),
    },
    Action {
        word: "revert",
        summary: "Reverts all machines of a range to a snapshot.",
        about: "",
        takes: Takes::Name,
        read: |fields, _| on_machines(MachineAction::Revert { snapshot: snapshot_name(fields) }),
    },
    plain!(
        "repair",
        RangeAction::Repair,
        "Corrects what differs from the records of a range.",
        "`GET /v1/ranges/{id}/drift` returns the differences."
    ),
    plain!(
        "verify",
        on_machines(MachineAction::Verify),
        "Sends packets between all machines of a range.",
        "The job fails if a packet passes that must not, or doesn't pass that must."
    ),
    plain!(
        "rollback",
        RangeAction::Rollback,
        "Undoes what the last plan created.",
        "For a plan that failed or was canceled."
    ),
    plain!(
        "resume",
        RangeAction::Resume,
        "Carries out the remaining steps of the last plan.",
        "For a plan that failed or was canceled."
    ),
    Action {
        word: "extend",
        summary: "Changes the time at which a range is destroyed.",
        about: "`by` is added to the present end of its lifetime, or to the present time if it has none. `until` is the \
                new end; `null` removes it.",
        takes: Takes::Time,
        read: |fields, range| RangeAction::Extend(end(fields, range)),
    },
];

const fn on_machines(action: MachineAction) -> RangeAction {
    RangeAction::Machines(action, Scope::All)
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    ACTIONS.iter().map(|action| endpoint(*action)).collect()
}

fn endpoint(action: Action) -> Endpoint {
    let path = format!("/v1/ranges/{{id}}/actions/{}", action.word);
    let handler =
        move |api: Data<Api>,
              id: Path<String>,
              body: DocumentBody,
              query: Parameters,
              request: HttpRequest| async move { act(&api, action, &id, body, &query, &request).await };
    let mut doc = Doc::new(format!("{}_range", action.word), RANGE_TAG, action.summary)
        .about(action.about)
        .parameters([RANGE_ID, WAIT])
        .replies([done_reply(), started_reply()])
        .problems([
            UNKNOWN_RANGE,
            (ProblemCode::RangeBusy, ""),
            (ProblemCode::WrongState, "the state of the range doesn't allow it"),
            (ProblemCode::NotSupported, ""),
            (ProblemCode::PlatformUnavailable, ""),
            (ProblemCode::QueueFull, ""),
            BAD_QUERY,
        ]);
    match action.takes {
        Takes::Nothing => {}
        Takes::Name => doc = doc.body(Body::new(|_| name_schema(), || json!({"name": "clean"}))),
        Takes::Time => doc = doc.body(Body::new(|_| time_schema(), || json!({"by": "2h"}))),
    }
    Endpoint::new(Verb::Post, path, Access::OPERATOR, handler, doc)
}

fn name_schema() -> Value {
    json!({
        "type": "object", "additionalProperties": false, "required": ["name"],
        "properties": {"name": {
            "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_-]{0,39}$", "description": "Name of the snapshot",
        }},
    })
}

fn time_schema() -> Value {
    json!({
        "type": "object", "additionalProperties": false, "minProperties": 1, "maxProperties": 1,
        "properties": {
            "by": {"type": "string", "description": "Time that is added, such as `30m`, `2h`, or `1d`"},
            "until": {
                "type": ["string", "null"], "format": "date-time",
                "description": "New end of the lifetime; `null` removes it",
            },
        },
    })
}

async fn act(
    api: &Api,
    action: Action,
    id: &str,
    body: DocumentBody,
    query: &Parameters,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    query.only_known()?;
    let wait = query::wait(query, api)?;
    let fields = range_body::fields(body)?;
    let range = found(api, id, query).await?;
    let wanted = read(action, fields, &range)?;
    let applied = api.engine.ranges().act(&range, wanted, &Caller::submitter_of(request)).await?;
    changed(api, applied, wait).await
}

/// Reads the body of an action.
fn read(action: Action, mut fields: Fields, range: &StoredRange) -> Result<RangeAction, Problem> {
    let read = (action.read)(&mut fields, range);
    let known: &[&str] = match action.takes {
        Takes::Nothing => &[],
        Takes::Name => &["name"],
        Takes::Time => &["by", "until"],
    };
    fields.finish(&known.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())?;
    Ok(read)
}

fn snapshot_name(fields: &mut Fields) -> String {
    let is_valid = |name: &str| {
        name.len() <= 40
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let form = "use up to 40 letters, digits, `-`, and `_`, beginning with a letter";
    if fields.peek("name").is_none_or(Value::is_null) {
        return fields
            .fault("name", FaultCode::Missing, format!("the name is missing: {form}"))
            .unwrap_or_default();
    }
    let name = fields.text("name", |name| if is_valid(name) { Ok(name.to_owned()) } else { Err(form) });
    name.unwrap_or_default()
}

/// The new end of the lifetime.
fn end(fields: &mut Fields, range: &StoredRange) -> Option<Timestamp> {
    let has_until = fields.peek("until").is_some();
    let by = fields
        .text("by", |text| serde_json::from_value::<Span>(text.into()).map_err(|error| error.to_string()));
    let until = fields.text("until", |text| text.parse::<Timestamp>());
    match (by, has_until) {
        (Some(_), true) => fields.fault("until", FaultCode::TooMany, "use either `by` or `until`".into()),
        (Some(by), false) => {
            let now = Timestamp::now();
            let from = range.expires_at.map_or(now, |end| end.max(now));
            let end = from.checked_add(SignedDuration::from_secs(i64::from(by.seconds)));
            end.ok().or_else(|| fields.fault("by", FaultCode::OutOfRange, "the time is too long".into()))
        }
        (None, true) => until,
        (None, false) if fields.faults.is_empty() => {
            fields.fault("by", FaultCode::Missing, "use `by`, such as `2h`, or `until`".into())
        }
        (None, false) => None,
    }
}
