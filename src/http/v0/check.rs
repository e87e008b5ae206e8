//! Validates request bodies like pydantic, with the same error texts.
//!
//! Every field is checked and every fault is reported, in the order of the rows. A body without a content type is
//! treated as JSON, and unknown fields are ignored. Strings are strict; numbers and booleans are not. Values that
//! look like passwords are not returned.

use serde_json::{Map, Value, json};

use super::{
    ErrorReply,
    fault::{MASK, Wording, bad_body, fault, fault_of, object_masked, unprocessable},
    field::{Field, Kind, Need, Pattern},
};
use crate::http::{
    body::Body,
    problem::{MAX_FAULTS, cut},
};

/// Maximum length of a field path, in characters.
const MAX_PATH: usize = 200;

const MISSING: Wording<'static> = ("missing", "Field required");
const NO_OBJECT: Wording<'static> =
    ("model_attributes_type", "Input should be a valid dictionary or object to extract fields from");
const NO_MAP: Wording<'static> = ("dict_type", "Input should be a valid dictionary");
const NO_LIST: Wording<'static> = ("list_type", "Input should be a valid list");
const NO_TEXT: Wording<'static> = ("string_type", "Input should be a valid string");
const NO_BOOL: Wording<'static> = ("bool_type", "Input should be a valid boolean");
const NO_BOOL_WORD: Wording<'static> =
    ("bool_parsing", "Input should be a valid boolean, unable to interpret input");
const NO_INT: Wording<'static> = ("int_type", "Input should be a valid integer");
const NO_INT_WORD: Wording<'static> =
    ("int_parsing", "Input should be a valid integer, unable to parse string as an integer");
const FRACTION: Wording<'static> =
    ("int_from_float", "Input should be a valid integer, got a number with a fractional part");
const TOO_MANY_DIGITS: Wording<'static> =
    ("int_parsing_size", "Unable to parse input string as an integer, exceeded maximum size");
const NO_NUMBER: Wording<'static> = ("float_type", "Input should be a valid number");
const NO_NUMBER_WORD: Wording<'static> =
    ("float_parsing", "Input should be a valid number, unable to parse string as a number");

/// Validates a body against the fields of a route; returns all values that are not `null`, including defaults.
pub(super) fn check(body: Body, fields: &[Field]) -> Result<Map<String, Value>, ErrorReply> {
    let members = match body.with_any_numbers().map_err(|error| bad_body(&error))? {
        None | Some(Value::Null) => {
            return Err(unprocessable(vec![fault("body", MISSING, &Value::Null, Value::Null)]));
        }
        Some(Value::Object(members)) => members,
        Some(other) => {
            return Err(unprocessable(vec![fault("body", NO_OBJECT, &other, Value::Null)]));
        }
    };
    let mut faults = Vec::new();
    let values = object("body", &members, fields, &mut faults);
    if faults.is_empty() { Ok(values) } else { Err(unprocessable(faults)) }
}

fn object(
    path: &str,
    members: &Map<String, Value>,
    fields: &[Field],
    faults: &mut Vec<Value>,
) -> Map<String, Value> {
    let mut values = Map::new();
    for field in fields {
        if faults.len() >= MAX_FAULTS {
            break;
        }
        let path = format!("{path}.{}", field.name);
        let value = match members.get(field.name) {
            None => match field.need {
                Need::Required => {
                    faults.push(fault_of(&path, MISSING, object_masked(members), Value::Null));
                    continue;
                }
                Need::Optional => continue,
                Need::DefaultBool(default) => Some(default.into()),
                Need::DefaultText(default) => Some(default.into()),
            },
            Some(Value::Null) if field.nullable => continue,
            Some(value) => {
                let before = faults.len();
                let coerced = coerce(&path, &field.kind, value, faults);
                if field.secret {
                    faults[before..].iter_mut().for_each(|fault| fault["input"] = MASK.into());
                }
                coerced
            }
        };
        if let Some(value) = value {
            values.insert(field.name.to_owned(), value);
        }
    }
    values
}

/// Converts a value for Ansible; returns `None` when it has faults.
fn coerce(path: &str, kind: &Kind, value: &Value, faults: &mut Vec<Value>) -> Option<Value> {
    let coerced = match kind {
        Kind::Text(pattern) => text(path, value).and_then(|given| matching(path, pattern, given, value)),
        Kind::FullText(pattern) => text(path, value).and_then(|given| {
            if given.is_empty() {
                let ctx = json!({ "min_length": 1 });
                let wording = ("string_too_short", "String should have at least 1 character");
                return Err(fault(path, wording, value, ctx));
            }
            matching(path, pattern, given, value)
        }),
        Kind::AnyText => text(path, value).map(Value::from),
        Kind::ShortText(limit) => text(path, value).and_then(|given| {
            if given.chars().count() <= *limit {
                return Ok(value.clone());
            }
            let message = format!("String should have at most {limit} characters");
            Err(fault(path, ("string_too_long", &message), value, json!({ "max_length": limit })))
        }),
        Kind::Host(pattern) => text(path, value).and_then(|given| host(path, pattern, given, value)),
        Kind::VmId => {
            vm_id(path, value).and_then(|given| matching(path, &super::field::DIGITS, &given, value))
        }
        Kind::AnyVmId => vm_id(path, value).map(Value::from),
        Kind::Bool => boolean(path, value),
        Kind::Int(least) => integer(path, value).and_then(|number| at_least(path, *least, number, value)),
        Kind::Number => number(path, value),
        Kind::List(item) => return list(path, item, value, faults),
        Kind::Object(fields) => match value {
            Value::Object(members) => {
                let before = faults.len();
                let values = object(path, members, fields, faults);
                return (faults.len() == before).then_some(Value::Object(values));
            }
            _ => Err(fault(path, NO_OBJECT, value, Value::Null)),
        },
        Kind::Map(fields) => return map(path, fields, value, faults),
    };
    coerced.map_err(|fault| faults.push(fault)).ok()
}

fn text<'a>(path: &str, value: &'a Value) -> Result<&'a str, Value> {
    value.as_str().ok_or_else(|| fault(path, NO_TEXT, value, Value::Null))
}

fn matching(path: &str, pattern: &Pattern, given: &str, value: &Value) -> Result<Value, Value> {
    if pattern.regex.is_match(given) {
        return Ok(given.into());
    }
    let message = format!("String should match pattern '{}'", pattern.text);
    Err(fault(path, ("string_pattern_mismatch", &message), value, json!({ "pattern": pattern.text })))
}

/// Ansible would parse a value that starts with a dash as an option.
fn host(path: &str, pattern: &Pattern, given: &str, value: &Value) -> Result<Value, Value> {
    let checked = matching(path, pattern, given, value)?;
    if given.starts_with('-') {
        let wording = ("value_error", "Value error, hosts must not begin with '-'");
        return Err(fault(path, wording, value, json!({ "error": {} })));
    }
    Ok(checked)
}

/// A string, or an integer converted to a string.
fn vm_id(path: &str, value: &Value) -> Result<String, Value> {
    match value {
        Value::Number(number) if number.is_i64() || number.is_u64() => Ok(number.to_string()),
        other => text(path, other).map(str::to_owned),
    }
}

fn boolean(path: &str, value: &Value) -> Result<Value, Value> {
    let (flag, wording) = match value {
        Value::Bool(flag) => (Some(*flag), NO_BOOL),
        Value::Number(number) => match number.as_i64().or_else(|| number.as_f64().and_then(whole_number)) {
            Some(0) => (Some(false), NO_BOOL),
            Some(1) => (Some(true), NO_BOOL),
            Some(_) => (None, NO_BOOL_WORD),
            None => (None, NO_BOOL),
        },
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "t" | "yes" | "y" | "on" => (Some(true), NO_BOOL),
            "0" | "false" | "f" | "no" | "n" | "off" => (Some(false), NO_BOOL),
            _ => (None, NO_BOOL_WORD),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => (None, NO_BOOL),
    };
    flag.map(Value::Bool).ok_or_else(|| fault(path, wording, value, Value::Null))
}

fn integer(path: &str, value: &Value) -> Result<i64, Value> {
    let wrong = |wording| fault(path, wording, value, Value::Null);
    match value {
        Value::Bool(flag) => Ok((*flag).into()),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Ok(whole),
            (None, Some(float)) if float.fract() != 0.0 => Err(wrong(FRACTION)),
            (None, Some(float)) => whole_number(float).ok_or_else(|| wrong(TOO_MANY_DIGITS)),
            (None, None) => Err(wrong(NO_INT)),
        },
        Value::String(text) => parse_integer(text).map_err(wrong),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(wrong(NO_INT)),
    }
}

/// Converts a float without a fraction to an integer, if this is exact.
fn whole_number(float: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    // Up to 2^53, every whole float is exact.
    (float.fract() == 0.0 && float.abs() <= EXACT).then_some(float as i64)
}

/// Parses an integer like pydantic: surrounding whitespace, a sign, `_` between digits, and zeros after a decimal
/// point are allowed.
fn parse_integer(text: &str) -> Result<i64, Wording<'static>> {
    let text = text.trim();
    let whole = match text.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => whole,
        Some(_) => return Err(NO_INT_WORD),
        None => text,
    };
    let digits = whole.strip_prefix(['+', '-']).unwrap_or(whole);
    let is_digit = |byte: u8| byte.is_ascii_digit() || byte == b'_';
    let well_formed = digits.bytes().all(is_digit)
        && digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.ends_with(|c: char| c.is_ascii_digit())
        && !digits.contains("__");
    if !well_formed {
        return Err(NO_INT_WORD);
    }
    whole.replace('_', "").parse().map_err(|_| TOO_MANY_DIGITS)
}

fn at_least(path: &str, least: Option<i64>, number: i64, value: &Value) -> Result<Value, Value> {
    match least {
        Some(least) if number < least => {
            let message = format!("Input should be greater than or equal to {least}");
            Err(fault(path, ("greater_than_equal", &message), value, json!({ "ge": least })))
        }
        Some(_) | None => Ok(number.into()),
    }
}

fn number(path: &str, value: &Value) -> Result<Value, Value> {
    let wrong = |wording| fault(path, wording, value, Value::Null);
    let float = match value {
        Value::Bool(flag) => f64::from(u8::from(*flag)),
        Value::Number(number) => number.as_f64().ok_or_else(|| wrong(NO_NUMBER))?,
        Value::String(text) => text.trim().parse().map_err(|_| wrong(NO_NUMBER_WORD))?,
        Value::Null | Value::Array(_) | Value::Object(_) => return Err(wrong(NO_NUMBER)),
    };
    // JSON has no infinity, and no rate is infinite.
    let is_finite = ("finite_number", "Input should be a finite number");
    serde_json::Number::from_f64(float).map(Value::Number).ok_or_else(|| wrong(is_finite))
}

fn list(path: &str, kind: &Kind, value: &Value, faults: &mut Vec<Value>) -> Option<Value> {
    let Value::Array(items) = value else {
        faults.push(fault(path, NO_LIST, value, Value::Null));
        return None;
    };
    if items.is_empty() {
        let wording = ("too_short", "List should have at least 1 item after validation, not 0");
        let ctx = json!({ "field_type": "List", "min_length": 1, "actual_length": 0 });
        faults.push(fault(path, wording, value, ctx));
        return None;
    }
    let checked = items.iter().enumerate();
    let mut values = Vec::new();
    for (at, item) in checked {
        if faults.len() >= MAX_FAULTS {
            return None;
        }
        values.push(coerce(&format!("{path}.{at}"), kind, item, faults));
    }
    values.into_iter().collect()
}

fn map(path: &str, fields: &[Field], value: &Value, faults: &mut Vec<Value>) -> Option<Value> {
    let Value::Object(members) = value else {
        faults.push(fault(path, NO_MAP, value, Value::Null));
        return None;
    };
    let before = faults.len();
    let mut values = Map::new();
    for (name, member) in members {
        if faults.len() >= MAX_FAULTS {
            break;
        }
        let path = cut(format!("{path}.{name}"), MAX_PATH);
        match member {
            Value::Object(members) => {
                values.insert(name.clone(), Value::Object(object(&path, members, fields, faults)));
            }
            other => faults.push(fault(&path, NO_OBJECT, other, Value::Null)),
        }
    }
    (faults.len() == before).then_some(Value::Object(values))
}

#[cfg(test)]
mod tests;
