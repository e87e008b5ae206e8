//! `/v1/ranges/{id}/actions/`: what is done with a range as a whole.

use std::convert::Infallible;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use engine::RangeAction;
use jiff::{SignedDuration, Timestamp};
use model::StoredRange;
use range::{
    document::Span,
    plan::{RangeAction as MachineAction, Scope},
};
use serde_json::{Map, Value, json};

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

/// An action.
#[derive(Clone, Copy)]
struct Action {
    word: &'static str,
    summary: &'static str,
    about: &'static str,
    /// The fields of its body.
    fields: &'static [&'static str],
    /// Takes its fields from the body.
    read: fn(&mut Fields, &StoredRange) -> RangeAction,
}

/// Fields that select machines.
const MACHINES: &[&str] = &["instance", "machines"];
/// Fields of actions with a snapshot.
const SNAPSHOT: &[&str] = &["name", "instance", "machines"];

/// An action of the range as a whole, without a body.
macro_rules! range_action {
    ($word:literal, $action:ident, $summary:literal, $about:literal) => {
        Action {
            word: $word,
            summary: $summary,
            about: $about,
            fields: &[],
            read: |_, _| RangeAction::$action,
        }
    };
}

/// An action on machines.
macro_rules! machine_action {
    ($word:literal, $action:ident, $summary:literal, $about:literal) => {
        Action {
            word: $word,
            summary: $summary,
            about: $about,
            fields: MACHINES,
            read: |fields, _| RangeAction::Machines(MachineAction::$action, scope(fields)),
        }
    };
}

/// An action on machines and a snapshot.
macro_rules! snapshot_action {
    ($word:literal, $action:ident, $summary:literal, $about:literal) => {
        Action {
            word: $word,
            summary: $summary,
            about: $about,
            fields: SNAPSHOT,
            read: |fields, _| {
                let snapshot = snapshot_name(fields);
                RangeAction::Machines(MachineAction::$action { snapshot }, scope(fields))
            },
        }
    };
}

const ACTIONS: &[Action] = &[
    machine_action!(
        "start",
        Start,
        "Starts machines of a range.",
        "All machines, unless the body selects some."
    ),
    machine_action!(
        "stop",
        Stop,
        "Stops machines of a range.",
        "All machines, unless the body selects some."
    ),
    snapshot_action!(
        "snapshot",
        Snapshot,
        "Takes a snapshot of machines of a range.",
        "Of all guests, unless the body selects some."
    ),
    snapshot_action!(
        "revert",
        Revert,
        "Reverts machines of a range to a snapshot, and starts them.",
        "All machines that have it, unless the body selects some. What was changed since is lost."
    ),
    snapshot_action!("remove-snapshot", RemoveSnapshot, "Removes a snapshot of machines of a range.", ""),
    range_action!(
        "repair",
        Repair,
        "Corrects what differs from the records of a range.",
        "`GET /v1/ranges/{id}/drift` returns the differences."
    ),
    machine_action!(
        "verify",
        Verify,
        "Sends packets between all machines of a range.",
        "The job fails if a packet passes that must not, or doesn't pass that must."
    ),
    range_action!(
        "rollback",
        Rollback,
        "Undoes what the last plan created.",
        "For a plan that failed or was canceled."
    ),
    range_action!(
        "resume",
        Resume,
        "Carries out the remaining steps of the last plan.",
        "For a plan that failed or was canceled."
    ),
    Action {
        word: "extend",
        summary: "Changes the time at which a range is destroyed.",
        about: "`by` is added to the present end of its lifetime, or to the present time if it has none. `until` is the \
                new end; `null` removes it.",
        fields: &["by", "until"],
        read: |fields, range| RangeAction::Extend(end(fields, range)),
    },
];

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
    let mut doc = Doc::new(format!("{}_range", action.word.replace('-', "_")), RANGE_TAG, action.summary)
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
    if !action.fields.is_empty() {
        doc = doc.body(Body::new(move |_| schema(action.fields), move || example(action.fields)));
    }
    Endpoint::new(Verb::Post, path, Access::OPERATOR, handler, doc)
}

/// The schema of a body with these fields.
fn schema(fields: &[&str]) -> Value {
    let property = |field: &str| match field {
        "name" => json!({
            "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_-]{0,39}$", "description": "Name of the snapshot",
        }),
        "instance" => json!({"type": "string", "description": "Only machines of this instance"}),
        "machines" => json!({
            "type": "array", "items": {"type": "string"}, "description": "Only these machines; not together with `instance`",
        }),
        "by" => json!({"type": "string", "description": "Time that is added, such as `30m`, `2h`, or `1d`"}),
        _ => json!({
            "type": ["string", "null"], "format": "date-time",
            "description": "New end of the lifetime; `null` removes it. Not together with `by`",
        }),
    };
    let properties: Map<String, Value> =
        fields.iter().map(|field| ((*field).to_owned(), property(field))).collect();
    let required: Vec<&&str> = fields.iter().filter(|field| **field == "name").collect();
    json!({"type": "object", "additionalProperties": false, "properties": properties, "required": required})
}

fn example(fields: &[&str]) -> Value {
    match fields {
        ["name", ..] => json!({"name": "clean"}),
        ["by", ..] => json!({"by": "2h"}),
        _ => json!({}),
    }
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
    fields.finish(&action.fields.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())?;
    Ok(read)
}

/// The machines that a body selects.
fn scope(fields: &mut Fields) -> Scope {
    let instance = fields.text("instance", |name| Ok::<_, Infallible>(name.to_owned()));
    match (instance, range_body::names(fields, "machines")) {
        (None, None) => Scope::All,
        (Some(instance), None) => Scope::Instance(instance),
        (None, Some(machines)) => Scope::Machines(machines),
        (Some(_), Some(_)) => {
            let message = "use either `instance` or `machines`".to_owned();
            fields.fault("machines", FaultCode::TooMany, message).unwrap_or_default()
        }
    }
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
