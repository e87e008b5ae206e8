//! Fields of v0 bodies as JSON Schema.
//!
//! The schema describes the canonical form of a field. Like the service that it replaces, v0 also accepts other
//! forms, such as `"2"` for 2 and `"yes"` for `true`. The introduction of the document mentions this.

use serde_json::{Map, Value, json};

use super::{
    field::{DIGITS, Field, Kind, Need},
    route::{Plan, Route},
};

/// The body of a route.
pub(super) fn body(route: &Route) -> Value {
    let mut schema = object(route.fields);
    if let Plan::CreateMachines { machines, .. } = &route.plan
        && let Some(one) = schema.pointer_mut("/properties/vms").and_then(Value::as_object_mut)
        && let Some(machine) = one.shift_remove("additionalProperties")
    {
        // Exactly the machines of the set.
        let named: Map<String, Value> =
            machines.iter().map(|name| ((*name).to_owned(), machine.clone())).collect();
        one.insert("required".into(), json!(machines));
        one.insert("properties".into(), named.into());
        one.insert("additionalProperties".into(), false.into());
    }
    schema
}

/// A body with the example of each field.
pub(in crate::http) fn example(route: &Route) -> Value {
    let value = |field: &Field| (field.name.to_owned(), json_of(field.example));
    Value::Object(route.fields.iter().map(value).collect())
}

fn object(fields: &[Field]) -> Value {
    let properties: Map<String, Value> =
        fields.iter().map(|field| (field.name.to_owned(), schema(field))).collect();
    let required: Vec<_> =
        fields.iter().filter(|field| field.need == Need::Required).map(|field| field.name).collect();
    let mut object = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

fn schema(field: &Field) -> Value {
    let mut schema = kind(&field.kind);
    let mut add = |key: &str, value: Value| {
        schema.insert(key.to_owned(), value);
    };
    match field.need {
        Need::DefaultBool(default) => add("default", default.into()),
        Need::DefaultText(default) => add("default", default.into()),
        Need::Required | Need::Optional => {}
    }
    add("description", field.about.into());
    add("examples", json!([json_of(field.example)]));
    if field.secret {
        add("format", "password".into());
        add("writeOnly", true.into());
    }
    if field.nullable {
        let types = match schema.get("type") {
            Some(Value::Array(types)) => types.clone(),
            Some(one) => vec![one.clone()],
            None => Vec::new(),
        };
        schema.insert("type".into(), types.into_iter().chain([json!("null")]).collect());
    }
    Value::Object(schema)
}

fn kind(kind: &Kind) -> Map<String, Value> {
    let schema = match kind {
        Kind::Text(pattern) => json!({ "type": "string", "pattern": pattern.text }),
        Kind::FullText(pattern) => json!({ "type": "string", "minLength": 1, "pattern": pattern.text }),
        Kind::AnyText => json!({ "type": "string" }),
        Kind::ShortText(most) => json!({ "type": "string", "maxLength": most }),
        Kind::Host(pattern) => {
            json!({ "type": "string", "pattern": pattern.text, "not": { "pattern": "^-" } })
        }
        Kind::VmId => json!({
            "type": ["string", "integer"], "pattern": DIGITS.text, "minimum": 0,
        }),
        Kind::AnyVmId => json!({ "type": ["string", "integer"] }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Int(Some(least)) => json!({ "type": "integer", "minimum": least }),
        Kind::Int(None) => json!({ "type": "integer" }),
        Kind::Number => json!({ "type": "number" }),
        Kind::List(item) => json!({ "type": "array", "minItems": 1, "items": self::kind(item) }),
        Kind::Object(fields) => object(fields),
        Kind::Map(fields) => json!({ "type": "object", "additionalProperties": object(fields) }),
    };
    match schema {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// An example as JSON; a test of the rows reads every one of them.
fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}
