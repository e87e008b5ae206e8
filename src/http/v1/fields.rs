//! Reads the fields of a JSON object one by one, and collects all faults.

use std::fmt::Display;

use serde_json::{Map, Value};

use crate::http::problem::{Fault, FaultCode, MAX_FAULTS, Problem, cut, fault};

/// Maximum length of an unknown name that is compared with known names, in characters.
const MAX_NAME: usize = 64;

/// The fields of a body that have not been taken, and the faults of those that have.
#[derive(Debug)]
pub(super) struct Fields {
    left: Map<String, Value>,
    /// The faults so far.
    pub faults: Vec<Fault>,
}

impl Fields {
    /// Reads a body, which must be an object. A missing body is treated as an empty object.
    pub(super) fn of_body(body: Option<Value>) -> Result<Self, Problem> {
        match body {
            None => Ok(Self { left: Map::new(), faults: Vec::new() }),
            Some(Value::Object(left)) => Ok(Self { left, faults: Vec::new() }),
            Some(other) => {
                let message = format!("the body is {}: send an object", kind_of(&other));
                Err(Problem::invalid(vec![fault("", FaultCode::WrongType, message)]))
            }
        }
    }

    /// A field that has not been taken.
    pub(super) fn peek(&self, name: &str) -> Option<&Value> {
        self.left.get(name)
    }

    /// Takes a field; `null` is treated as missing.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.left.shift_remove(name).filter(|value| !value.is_null())
    }

    /// Takes a string and parses it.
    pub(super) fn text<T, E: Display>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match self.take(name)? {
            Value::String(text) => match read(&text) {
                Ok(value) => Some(value),
                Err(error) => self.fault(name, FaultCode::InvalidValue, error.to_string()),
            },
            other => self.wrong_type(name, "a string", &other),
        }
    }

    /// Takes a boolean.
    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        match self.take(name)? {
            Value::Bool(flag) => Some(flag),
            other => self.wrong_type(name, "true or false", &other),
        }
    }

    /// Takes a whole number within a range.
    pub(super) fn number(&mut self, name: &str, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
        let value = self.take(name)?;
        let (least, most) = (range.start(), range.end());
        match whole(&value).and_then(|number| u64::try_from(number).ok()) {
            Some(number) if range.contains(&number) => Some(number),
            Some(number) => self.fault(
                name,
                FaultCode::OutOfRange,
                format!("{number} is out of range: {least} to {most} are allowed"),
            ),
            None => self.wrong_type(name, &format!("a whole number from {least} to {most}"), &value),
        }
    }

    /// Records a fault; returns `None`, for the end of a function that should have returned a value.
    pub(super) fn fault<T>(&mut self, field: &str, code: FaultCode, message: String) -> Option<T> {
        self.faults.push(fault(field, code, message));
        None
    }

    pub(super) fn wrong_type<T>(&mut self, name: &str, wanted: &str, found: &Value) -> Option<T> {
        self.fault(name, FaultCode::WrongType, format!("this is {}: use {wanted}", kind_of(found)))
    }

    /// Reports all remaining fields as unknown.
    pub(super) fn finish(mut self, known: &[String]) -> Result<(), Problem> {
        // One more than are listed, so that the response mentions that there are more.
        for name in self.left.keys().take(MAX_FAULTS + 1) {
            let name = &cut(name.clone(), MAX_NAME);
            let nearest = known
                .iter()
                .max_by(|a, b| strsim::jaro_winkler(name, a).total_cmp(&strsim::jaro_winkler(name, b)));
            let name = name.escape_debug().to_string();
            let message = match nearest.filter(|near| strsim::jaro_winkler(&name, near) > 0.75) {
                Some(near) => format!("unknown field: did you mean `{near}`?"),
                None => format!("unknown field: the fields are {}", known.join(", ")),
            };
            self.faults.push(fault(name, FaultCode::UnknownField, message));
        }
        if self.faults.is_empty() { Ok(()) } else { Err(Problem::invalid(self.faults)) }
    }
}

const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// An integer. As in JSON Schema, `7.0` is an integer, too.
pub(super) fn whole(value: &Value) -> Option<i64> {
    let is_whole = |float: &f64| float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0;
    // A whole float up to 2^53 is exact.
    value.as_i64().or_else(|| value.as_f64().filter(is_whole).map(|float| float as i64))
}
