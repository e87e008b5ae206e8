//! Converts endpoints to OpenAPI operation objects.

use std::collections::BTreeMap;

use api::ProblemCode;
use serde_json::{Map, Value, json};

use crate::http::endpoint::{Dialect, Doc, Effect, Endpoint, Location, Parameter, Reply, Schemas};

/// A reference to a response that many endpoints share.
fn response(name: &str) -> Value {
    json!({ "$ref": format!("#/components/responses/{name}") })
}

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
        let content = json!({ "schema": (body.schema)(schemas), "example": (body.example)() });
        object["requestBody"] = json!({ "required": true, "content": { "application/json": content } });
        if body.yaml {
            object["requestBody"]["content"]["application/yaml"] = content;
        }
    }
    object["responses"] = responses(endpoint, schemas).into();
    object
}

fn parameter_object(parameter: &Parameter, schemas: &mut Schemas) -> Value {
    let mut object = json!({ "name": parameter.name, "in": parameter.location.as_str() });
    if parameter.location == Location::Path {
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
    let mut by_status: BTreeMap<u16, Vec<(ProblemCode, &str)>> = BTreeMap::new();
    for (code, about) in problems(endpoint) {
        by_status.entry(code.status()).or_default().push((code, about));
    }
    for (status, codes) in by_status {
        let mut problem = response("Problem");
        problem["description"] = described(&codes).into();
        responses.insert(status.to_string(), problem);
    }
    responses
}

/// Problem codes with their descriptions.
fn described(codes: &[(ProblemCode, &str)]) -> String {
    let separator = if codes.iter().all(|(_, about)| about.is_empty()) { ", " } else { "; " };
    let described = codes.iter().map(|(code, about)| match about.is_empty() {
        true => format!("`{code}`"),
        false => format!("`{code}`: {about}"),
    });
    described.collect::<Vec<_>>().join(separator)
}

/// The problems of an endpoint: its own, and those of access control, the body, and the audit log.
fn problems(endpoint: &Endpoint) -> Vec<(ProblemCode, &'static str)> {
    use ProblemCode as Code;
    let Doc { body, problems, can_fail, streams, .. } = &endpoint.doc;
    if endpoint.dialect() == Dialect::V0 {
        return Vec::new();
    }
    let mut all = problems.clone();
    if let Some(body) = body {
        let media = if body.yaml {
            "send `application/yaml` or `application/json`"
        } else {
            "send `application/json`"
        };
        all.extend([(Code::BodyTooLong, ""), (Code::UnsupportedMediaType, media)]);
    }
    if endpoint.access.role().is_some() {
        all.extend([
            (Code::NotAuthenticated, ""),
            (Code::BadCredentials, ""),
            (Code::RoleTooLow, ""),
            (Code::NoRole, ""),
            (Code::OriginNotAllowed, "a page of this origin may not call"),
            (Code::UnknownHost, "`Host` names another than this service"),
            (Code::TooManyRequests, ""),
            (Code::TooMuchUnread, ""),
            (Code::AccessUnavailable, ""),
        ]);
        all.extend(streams.then_some((Code::TooManyWatchers, "")));
        all.extend((endpoint.effect == Effect::Change).then_some((Code::AuditUnavailable, "")));
    }
    all.extend(can_fail.then_some((Code::InternalError, "")));
    all
}

/// The status of a reply, and its OpenAPI response object.
fn reply_object(reply: &Reply, schemas: &mut Schemas) -> (String, Value) {
    let (status, about, bodies, headers) = match reply {
        Reply::Shared(status, name) => return (status.to_string(), response(name)),
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

/// The schema of a body that has none of its own. OpenAPI 3.1 cannot describe the items of a stream.
fn any(media: &str) -> Value {
    match media {
        "application/json" => json!({ "type": "object" }),
        "text/event-stream" => json!({ "description": "`id`: the number; `data`: the event as JSON" }),
        "application/x-ndjson" => json!({ "description": "An event as JSON in each line" }),
        _ => json!({ "type": "string" }),
    }
}
