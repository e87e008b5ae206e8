//! The names of Ansible content, and variables with their types.

use serde_json::{Map, Value, json};

use crate::{
    fault::{At, FaultCode, Faults, quote, words},
    read::{Book, Read, object, read_words, wrong_type},
};

/// The name of a playbook, bundle or scenario.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Content(pub String);

impl Read for Content {
    fn read(value: &Value, at: &At<'_>, faults: &mut Faults) -> Option<Self> {
        let Value::String(text) = value else {
            return wrong_type(value, "a string", at, faults);
        };
        match text.parse::<model::ContentName>() {
            Ok(name) => Some(Self(name.as_str().to_owned())),
            Err(bad) => {
                faults.add(at, FaultCode::Invalid, bad.to_string());
                None
            }
        }
    }

    fn schema(_: &mut Book) -> Value {
        json!({ "type": "string", "minLength": 1, "maxLength": model::names::MAX_NAME_BYTES })
    }
}

words! {
    /// The type of a variable.
    VariableType {
        /// Text.
        String = "string",
        /// A whole number.
        Integer = "integer",
        /// `true` or `false`.
        Boolean = "boolean",
        /// Text that is never shown. Its value is supplied with the request, never in the document.
        Secret = "secret",
    }
}

impl VariableType {
    /// Is this a value of the type?
    #[must_use]
    pub fn accepts(self, value: &Value) -> bool {
        match self {
            Self::String | Self::Secret => value.is_string(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Boolean => value.is_boolean(),
        }
    }
}

read_words!(VariableType);

object! {
    /// A variable. Every task receives the values of all variables, each instance its own.
    Variable {
        /// The type of its values.
        r#type: VariableType = VariableType::String,
        /// The value where the request supplies none. A variable without a default is required. Not allowed for a secret.
        default: Option<Scalar> = None,
        /// What the variable is for.
        description: Option<String> = None,
    }
}

/// A text, whole number or boolean.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(transparent)]
pub struct Scalar(pub Value);

impl Read for Scalar {
    fn read(value: &Value, at: &At<'_>, faults: &mut Faults) -> Option<Self> {
        match value {
            Value::String(_) | Value::Bool(_) => Some(Self(value.clone())),
            Value::Number(number) if number.is_i64() || number.is_u64() => Some(Self(value.clone())),
            _ => wrong_type(value, "a string, a whole number or a boolean", at, faults),
        }
    }

    fn schema(_: &mut Book) -> Value {
        json!({ "type": ["string", "integer", "boolean"] })
    }
}

/// Variables of a task, with values of any kind. `${name}` in a text stands for the value of a variable of the document,
/// `${instance}` for the name of the instance.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
#[serde(transparent)]
pub struct Vars(pub Map<String, Value>);

impl Read for Vars {
    fn read(value: &Value, at: &At<'_>, faults: &mut Faults) -> Option<Self> {
        let Value::Object(entries) = value else {
            return wrong_type(value, "a mapping", at, faults);
        };
        for name in entries.keys().filter(|name| !is_variable_name(name)) {
            faults
                .add(
                    &at.field(name),
                    FaultCode::Invalid,
                    format!("`{}` is not a valid variable name", quote(name)),
                )
                .hint("use letters, digits and `_`, and no digit at the beginning");
        }
        Some(Self(entries.clone()))
    }

    fn schema(_: &mut Book) -> Value {
        json!({ "type": "object", "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,99}$" } })
    }

    fn is_absent(&self) -> bool {
        self.0.is_empty()
    }
}

/// Can Ansible use the name for a variable?
pub(crate) fn is_variable_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.len() <= 100
}
