//! Operations that are no rows of v0: v1, streams, health, figures, documents.
//!
//! They are rows here, one file per group. `tests/docs.rs` compares their paths with those that are registered, and
//! `tests/api/documents.rs` their parameters and schemas with what the running service says of itself.

mod content;
mod jobs;
mod service;
mod streams;

use serde_json::{Map, Value, json};

use super::operation::{Operation, name_parameter, response, schema};
use crate::http::v0::route::Permission;

/// One operation.
#[derive(Debug, Clone, Copy)]
struct Row {
    method: &'static str,
    path: &'static str,
    operation: &'static str,
    tag: &'static str,
    summary: &'static str,
    about: &'static str,
    permission: Option<Permission>,
    parameters: &'static [Parameter],
    /// The schema of its body, and an example.
    body: Option<(&'static str, &'static str)>,
    replies: &'static [Reply],
    /// Problems by status: which code stands for what.
    problems: &'static [(u16, &'static str)],
    /// Does it answer in the problem documents of v1? Then a page of an unknown origin is refused, too.
    is_v1: bool,
    streams: bool,
}

/// A parameter of the query or a header.
#[derive(Debug, Clone, Copy)]
struct Parameter {
    place: &'static str,
    name: &'static str,
    /// As JSON.
    schema: &'static str,
    about: &'static str,
}

/// A reply.
#[derive(Debug, Clone, Copy)]
struct Reply {
    status: &'static str,
    about: &'static str,
    /// Media types, each with the name of a schema; texts have none.
    bodies: &'static [(&'static str, Option<&'static str>)],
    /// Headers, each with what it says.
    headers: &'static [(&'static str, &'static str)],
}

impl Row {
    const fn new(
        method: &'static str,
        path: &'static str,
        operation: &'static str,
        tag: &'static str,
        summary: &'static str,
    ) -> Self {
        Self {
            method,
            path,
            operation,
            tag,
            summary,
            about: "",
            permission: Some(Permission::Viewer),
            parameters: &[],
            body: None,
            replies: &[],
            problems: &[],
            is_v1: true,
            streams: false,
        }
    }

    const fn about(mut self, about: &'static str) -> Self {
        self.about = about;
        self
    }

    const fn by(mut self, permission: Option<Permission>) -> Self {
        self.permission = permission;
        self
    }

    const fn takes(mut self, parameters: &'static [Parameter]) -> Self {
        self.parameters = parameters;
        self
    }

    const fn body(mut self, schema: &'static str, example: &'static str) -> Self {
        self.body = Some((schema, example));
        self
    }

    const fn replies(mut self, replies: &'static [Reply]) -> Self {
        self.replies = replies;
        self
    }

    const fn problems(mut self, problems: &'static [(u16, &'static str)]) -> Self {
        self.problems = problems;
        self
    }

    /// It does not answer in problem documents.
    const fn plain(mut self) -> Self {
        self.is_v1 = false;
        self
    }

    const fn streams(mut self) -> Self {
        self.streams = true;
        self
    }
}

const fn query(name: &'static str, schema: &'static str, about: &'static str) -> Parameter {
    Parameter { place: "query", name, schema, about }
}

const fn header(name: &'static str, schema: &'static str, about: &'static str) -> Parameter {
    Parameter { place: "header", name, schema, about }
}

/// A reply of JSON.
const fn json_reply(status: &'static str, about: &'static str, schema: &'static [JsonBody]) -> Reply {
    Reply { status, about, bodies: schema, headers: &[] }
}

/// A media type and the name of its schema.
type JsonBody = (&'static str, Option<&'static str>);

/// The JSON body of a reply.
const fn json_of(schema: &'static str) -> JsonBody {
    ("application/json", Some(schema))
}

const WAIT: Parameter = query(
    "wait",
    r#"{"type": "number", "minimum": 0, "maximum": 3600}"#,
    "Wait so many seconds for the end of the job; the setting `server.wait_max_s` is the limit",
);

/// All of them.
pub(super) fn operations() -> impl Iterator<Item = Operation> {
    [jobs::ROWS, streams::ROWS, content::ROWS, service::ROWS].into_iter().flatten().map(operation)
}

fn operation(row: &Row) -> Operation {
    Operation {
        method: row.method,
        path: row.path,
        id: row.operation.to_owned(),
        summary: row.summary,
        about: row.about.to_owned(),
        tag: row.tag,
        permission: row.permission,
        parameters: path_parameters(row).chain(row.parameters.iter().map(parameter)).collect(),
        body: row.body.map(|(name, example)| {
            json!({
                "required": true,
                "content": { "application/json": { "schema": schema(name), "example": parsed(example) } },
            })
        }),
        responses: responses(row),
        streams: row.streams,
    }
}

fn path_parameters(row: &Row) -> impl Iterator<Item = Value> {
    let variables = row.path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    variables.map(|name| match name {
        "name" => name_parameter("piece of content"),
        "file" => json!({
            "name": "file", "in": "path", "required": true, "description": "The name of the file",
            "schema": { "type": "string" }, "example": "swagger-ui.css",
        }),
        "path" => json!({
            "name": "path", "in": "path", "required": true, "description": "The path of the file, as the list has it",
            "schema": { "type": "string" }, "example": "reports/summary.txt",
        }),
        id => json!({
            "name": id, "in": "path", "required": true, "description": "The id of the job",
            "schema": schema("JobId"),
        }),
    })
}

fn parameter(parameter: &Parameter) -> Value {
    json!({
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.about,
        "schema": parsed(parameter.schema),
    })
}

fn responses(row: &Row) -> Map<String, Value> {
    let mut responses: Map<String, Value> =
        row.replies.iter().map(|reply| (reply.status.to_owned(), reply_object(reply))).collect();
    let always: &[(u16, &str)] = if row.is_v1 { &[(500, "`internal_error`")] } else { &[] };
    let of_access: &[(u16, &str)] = match row.permission {
        Some(_) => &[
            (401, "`not_authenticated`, `bad_credentials`"),
            (403, "`role_too_low`, `no_role`; `origin_not_allowed`: a page of this origin may not call"),
            (421, "`unknown_host`: `Host` names another than this service"),
            (
                429,
                "`too_many_requests`; of streams also `too_many_watchers`, of what queues a job `queue_full`",
            ),
            (
                503,
                "`access_unavailable`; of changes and inspections also `audit_unavailable`, of inspections `inspections_busy`",
            ),
        ],
        None => &[],
    };
    let of_body: &[(u16, &str)] = if row.body.is_some() {
        &[(413, "`body_too_long`"), (415, "`unsupported_media_type`: send `application/json`")]
    } else {
        &[]
    };
    let mut problems: Vec<_> = row.problems.iter().chain(of_body).chain(of_access).chain(always).collect();
    problems.sort_by_key(|(status, _)| *status);
    for (status, about) in problems {
        let mut problem = response("Problem");
        problem["description"] = (*about).into();
        responses.insert(status.to_string(), problem);
    }
    responses
}

fn reply_object(reply: &Reply) -> Value {
    let mut object = json!({ "description": reply.about });
    if !reply.headers.is_empty() {
        let header = |(name, about): &(&str, &str)| {
            ((*name).to_owned(), json!({ "description": about, "schema": { "type": "string" } }))
        };
        object["headers"] = Value::Object(reply.headers.iter().map(header).collect());
    }
    if !reply.bodies.is_empty() {
        let body = |(media, name): &JsonBody| {
            let schema = name.map_or_else(|| any(media), schema);
            ((*media).to_owned(), json!({ "schema": schema }))
        };
        object["content"] = Value::Object(reply.bodies.iter().map(body).collect());
    }
    object
}

/// What a body without a schema of its own holds. OpenAPI 3.1 has no words for the items of a stream.
fn any(media: &str) -> Value {
    match media {
        "application/json" => json!({ "type": "object" }),
        "text/event-stream" => json!({ "description": "`id`: the number; `data`: the event as JSON" }),
        "application/x-ndjson" => json!({ "description": "An event as JSON in each line" }),
        _ => json!({ "type": "string" }),
    }
}

/// JSON of a row; a test looks for what could not be read.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_in_rows_is_json() {
        for row in [jobs::ROWS, streams::ROWS, content::ROWS, service::ROWS].into_iter().flatten() {
            for parameter in row.parameters {
                assert!(parsed(parameter.schema).is_object(), "{} {}", row.operation, parameter.name);
            }
            assert!(
                row.body.is_none_or(|(_, example)| parsed(example).is_object()),
                "{}: its example",
                row.operation
            );
            assert!(!row.replies.is_empty(), "{} answers nothing", row.operation);
        }
    }
}
