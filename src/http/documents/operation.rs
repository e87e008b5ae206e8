//! Endpoints as OpenAPI's operation objects.

use serde_json::{Map, Value, json};

use crate::http::endpoint::{Dialect, Doc, Endpoint, Parameter, Place, Reply, Schemas};

/// The operation object of an endpoint.
pub(super) fn object(endpoint: &Endpoint, schemas: &mut Schemas) -> Value {
    let doc = &endpoint.doc;
    let mut object = json!({ "tags": [doc.tag], "summary": doc.summary });
    if !doc.about.is_empty() {
        object["description"] = doc.about.as_ref().into();
    }
    object["operationId"] = doc.operation.as_ref().into();
    match endpoint.access.role() {
        Some(role) => object["x-permission"] = role.as_str().into(),
        None => object["security"] = json!([]),
    }
    if !doc.parameters.is_empty() {
        object["parameters"] =
            doc.parameters.iter().map(|parameter| parameter_object(parameter, schemas)).collect();
    }
    if let Some(body) = &doc.body {
        object["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": (body.schema)(schemas), "example": (body.example)() } },
        });
    }
    object["responses"] = responses(endpoint, schemas).into();
    object
}

fn parameter_object(parameter: &Parameter, schemas: &mut Schemas) -> Value {
    let mut object = json!({ "name": parameter.name, "in": parameter.place.as_str() });
    if parameter.place == Place::Path {
        object["required"] = true.into();
    }
    object["description"] = parameter.about.as_ref().into();
    object["schema"] = (parameter.schema)(schemas);
    if let Some(example) = parameter.example {
        object["example"] = example.into();
    }
    object
}

fn responses(endpoint: &Endpoint, schemas: &mut Schemas) -> Map<String, Value> {
    let mut responses: Map<String, Value> =
        endpoint.doc.replies.iter().map(|reply| reply_object(reply, schemas)).collect();
    for (status, about) in problems(endpoint) {
        let mut problem = schemas.response("Problem");
        problem["description"] = about.into();
        responses.insert(status.to_string(), problem);
    }
    responses
}

/// The problems of an endpoint by status: its own, and those that access control and the body bring.
fn problems(endpoint: &Endpoint) -> Vec<(u16, &'static str)> {
    let Doc { body, problems, can_fail, .. } = &endpoint.doc;
    if endpoint.dialect() == Dialect::V0 {
        return Vec::new();
    }
    let of_access: &[(u16, &str)] = match endpoint.access.role() {
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
    let of_body: &[(u16, &str)] = match body {
        Some(_) => &[(413, "`body_too_long`"), (415, "`unsupported_media_type`: send `application/json`")],
        None => &[],
    };
    let of_service: &[(u16, &str)] = if *can_fail { &[(500, "`internal_error`")] } else { &[] };
    let mut problems: Vec<_> =
        problems.iter().chain(of_body).chain(of_access).chain(of_service).copied().collect();
    problems.sort_by_key(|(status, _)| *status);
    problems
}

/// The status of a reply, and what OpenAPI says of it.
fn reply_object(reply: &Reply, schemas: &mut Schemas) -> (String, Value) {
    let (status, about, bodies, headers) = match reply {
        Reply::Shared(status, name) => return (status.to_string(), schemas.response(name)),
        Reply::Own { status, about, bodies, headers } => (status, about, bodies, headers),
    };
    let mut object = json!({ "description": about });
    if !headers.is_empty() {
        let header = |(name, about): &(&str, &str)| {
            ((*name).to_owned(), json!({ "description": about, "schema": { "type": "string" } }))
        };
        object["headers"] = Value::Object(headers.iter().map(header).collect());
    }
    if !bodies.is_empty() {
        let mut content = Map::new();
        for (media, schema) in bodies {
            let schema = schema.map_or_else(|| any(media), |schema| schema(schemas));
            content.insert((*media).to_owned(), json!({ "schema": schema }));
        }
        object["content"] = content.into();
    }
    (status.to_string(), object)
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
