//! Checking request bodies the way pydantic does, with its words.
//!
//! The fields of a route are rows. Every field is checked and every fault told, in the order of the rows; a
//! body without a content type is JSON; unknown fields are ignored; texts are strict, booleans are not.

use std::sync::LazyLock;

use actix_web::http::StatusCode;
use regex::Regex;
use serde_json::{Map, Value, json};

use super::Refusal;
use crate::http::body::{BadBody, Body};

/// A pattern that a whole text must match, with the text that a 422 shows of it.
#[derive(Debug)]
pub(super) struct Pattern {
    text: &'static str,
    regex: LazyLock<Regex>,
}

/// Node names.
#[expect(clippy::expect_used, reason = "the pattern is a constant, and a test compiles it")]
pub(super) static NODE: Pattern = Pattern {
    text: "^[A-Za-z0-9-]*$",
    regex: LazyLock::new(|| Regex::new("^[A-Za-z0-9-]*$").expect("a valid pattern")),
};

/// Hosts and groups.
#[expect(clippy::expect_used, reason = "the pattern is a constant, and a test compiles it")]
pub(super) static HOSTS: Pattern = Pattern {
    text: r"^[A-Za-z0-9\._-]+$",
    regex: LazyLock::new(|| Regex::new(r"^[A-Za-z0-9\._-]+$").expect("a valid pattern")),
};

/// What a field holds.
#[derive(Debug)]
pub(super) enum Kind {
    /// A text that matches.
    Text(&'static Pattern),
    /// A text that matches and becomes an option's value, so it must not look like an option itself.
    Host(&'static Pattern),
    /// A boolean, by any of pydantic's words for it.
    Bool,
}

/// One field of a route's body.
#[derive(Debug)]
pub(super) struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Must it be there?
    pub required: bool,
    /// May it be `null`?
    pub nullable: bool,
}

/// Checks a body against the fields; gives the values of those that were given and are not `null`.
pub(super) fn check(body: Body, fields: &[Field]) -> Result<Map<String, Value>, Refusal> {
    let members = match body.0.map_err(|error| bad_body(&error))? {
        None | Some(Value::Null) => {
            return Err(unprocessable(vec![item("body", MISSING, &Value::Null, Value::Null)]));
        }
        Some(Value::Object(members)) => members,
        Some(other) => return Err(unprocessable(vec![item("body", NO_OBJECT, &other, Value::Null)])),
    };
    let mut faults = Vec::new();
    let mut values = Map::new();
    for field in fields {
        match members.get(field.name) {
            None if field.required => {
                faults.push(item(&path(field), MISSING, &Value::Object(members.clone()), Value::Null));
            }
            None => {}
            Some(Value::Null) if field.nullable => {}
            Some(value) => match coerce(field, value) {
                Ok(value) => {
                    values.insert(field.name.to_owned(), value);
                }
                Err(fault) => faults.push(fault),
            },
        }
    }
    if faults.is_empty() { Ok(values) } else { Err(unprocessable(faults)) }
}

/// Pydantic's word for a fault, and its sentence.
type Wording = (&'static str, &'static str);

const MISSING: Wording = ("missing", "Field required");
const NO_OBJECT: Wording =
    ("model_attributes_type", "Input should be a valid dictionary or object to extract fields from");
const NO_TEXT: Wording = ("string_type", "Input should be a valid string");
const NO_BOOL: Wording = ("bool_type", "Input should be a valid boolean");
const NO_BOOL_WORD: Wording = ("bool_parsing", "Input should be a valid boolean, unable to interpret input");

fn path(field: &Field) -> String {
    format!("body.{}", field.name)
}

fn item(field: &str, (kind, message): Wording, input: &Value, ctx: Value) -> Value {
    json!({ "field": field, "msg": message, "type": kind, "input": input, "ctx": ctx })
}

fn coerce(field: &Field, value: &Value) -> Result<Value, Value> {
    match &field.kind {
        Kind::Text(pattern) => text(field, pattern, value),
        Kind::Host(pattern) => {
            let checked = text(field, pattern, value)?;
            if checked.as_str().is_some_and(|text| text.starts_with('-')) {
                let message = "Value error, hosts must not begin with '-'";
                return Err(json!({
                    "field": path(field), "msg": message, "type": "value_error", "input": value,
                    "ctx": { "error": {} },
                }));
            }
            Ok(checked)
        }
        Kind::Bool => boolean(field, value),
    }
}

fn text(field: &Field, pattern: &Pattern, value: &Value) -> Result<Value, Value> {
    let Value::String(text) = value else { return Err(item(&path(field), NO_TEXT, value, Value::Null)) };
    if pattern.regex.is_match(text) {
        return Ok(value.clone());
    }
    Err(json!({
        "field": path(field),
        "msg": format!("String should match pattern '{}'", pattern.text),
        "type": "string_pattern_mismatch",
        "input": value,
        "ctx": { "pattern": pattern.text },
    }))
}

fn boolean(field: &Field, value: &Value) -> Result<Value, Value> {
    let (flag, wording) = match value {
        Value::Bool(flag) => (Some(*flag), NO_BOOL),
        Value::Number(number) => match number.as_f64() {
            Some(0.0) => (Some(false), NO_BOOL),
            Some(1.0) => (Some(true), NO_BOOL),
            Some(_) | None => (None, NO_BOOL_WORD),
        },
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "t" | "yes" | "y" | "on" => (Some(true), NO_BOOL),
            "0" | "false" | "f" | "no" | "n" | "off" => (Some(false), NO_BOOL),
            _ => (None, NO_BOOL_WORD),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => (None, NO_BOOL),
    };
    flag.map(Value::Bool).ok_or_else(|| item(&path(field), wording, value, Value::Null))
}

fn unprocessable(faults: Vec<Value>) -> Refusal {
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, faults)
}

fn bad_body(error: &BadBody) -> Refusal {
    match error {
        BadBody::ContentType(_) => Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error.to_string()),
        BadBody::TooLong { .. } => Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
        BadBody::Broken(_) => Refusal::new(StatusCode::BAD_REQUEST, error.to_string()),
        BadBody::Json { message, offset, .. } => unprocessable(vec![json!({
            "field": format!("body.{offset}"),
            "msg": "JSON decode error",
            "type": "json_invalid",
            "input": {},
            "ctx": { "error": message },
        })]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[Field] = &[
        Field { name: "node", kind: Kind::Text(&NODE), required: true, nullable: false },
        Field { name: "as_json", kind: Kind::Bool, required: false, nullable: true },
        Field { name: "hosts", kind: Kind::Host(&HOSTS), required: true, nullable: true },
    ];

    fn values(body: Value) -> Option<Map<String, Value>> {
        check(Body(Ok(Some(body))), FIELDS).ok()
    }

    #[test]
    fn booleans_have_many_words_and_texts_have_none() {
        for word in [json!(true), json!(1), json!("YES"), json!("t"), json!(1.0)] {
            let found = values(json!({"node": "", "hosts": "a", "as_json": word})).expect("a boolean");
            assert_eq!(found["as_json"], json!(true));
        }
        assert!(values(json!({"node": 7, "hosts": "a"})).is_none());
        assert!(values(json!({"node": "", "hosts": "a", "as_json": 2})).is_none());
    }

    #[test]
    fn required_may_still_be_null_and_patterns_cover_the_whole_text() {
        assert!(
            values(json!({"node": "", "hosts": null, "more": 1}))
                .is_some_and(|found| !found.contains_key("hosts"))
        );
        for hosts in ["a b", "a\n", "-v", "", "a:b"] {
            assert!(values(json!({"node": "", "hosts": hosts})).is_none(), "{hosts:?}");
        }
        assert!(values(json!({"node": null, "hosts": "a"})).is_none());
        assert!(values(json!({"node": ""})).is_none());
    }
}
