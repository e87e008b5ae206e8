//! Extra variables of a request.
//!
//! They are data, never templates: [`ExtraVars::to_unsafe_json`] marks every string so that Ansible does not
//! evaluate it. JSON is used because YAML's `!unsafe "1000"` arrives as the integer 1000, while
//! `{"__ansible_unsafe": "1000"}` stays a string (measured with ansible-core 2.19).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Maximum number of variables in a request, including nested ones.
pub const MAX_VALUES: usize = 10_000;
/// How deep lists and objects may nest.
pub const MAX_DEPTH: usize = 32;

/// Why variables are refused; `key` is the path to the culprit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadExtraVars {
    /// Ansible names variables like Python does.
    #[error("`{key}` is no variable name: use letters, digits and `_`, not beginning with a digit")]
    Name {
        /// The name as given.
        key: String,
    },
    /// `ansible_host`, `ansible_connection`, and similar variables decide which host and user a run connects to.
    #[error("`{key}` would change the connection or the interpreter: `ansible_*` variables are not allowed")]
    Connection {
        /// The name as given.
        key: String,
    },
    /// Ansible's JSON reader turns objects with such keys into something else.
    #[error("`{key}` has a key that Ansible reserves: keys must not begin with `__ansible`")]
    Reserved {
        /// The path to the key.
        key: String,
    },
    /// More than [`MAX_VALUES`] or deeper than [`MAX_DEPTH`].
    #[error("`{key}` is too large: at most {MAX_VALUES} values, nested at most {MAX_DEPTH} deep")]
    TooLarge {
        /// The variable it was found in.
        key: String,
    },
}

impl BadExtraVars {
    /// The path to the variable, joined by dots.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Name { key }
            | Self::Connection { key }
            | Self::Reserved { key }
            | Self::TooLarge { key } => key,
        }
    }
}

/// Checked variables of a request, in their original order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExtraVars(Map<String, Value>);

impl ExtraVars {
    /// Checks names and forms. `allow_connection` permits `ansible_*`.
    ///
    /// # Errors
    /// The first variable that is refused, and why.
    pub fn check(vars: Map<String, Value>, allow_connection: bool) -> Result<Self, BadExtraVars> {
        let mut budget = MAX_VALUES;
        for (key, value) in &vars {
            if !is_variable_name(key) {
                return Err(BadExtraVars::Name { key: key.escape_debug().to_string() });
            }
            if key.starts_with("ansible_") && !allow_connection {
                return Err(BadExtraVars::Connection { key: key.clone() });
            }
            check_value(key, value, MAX_DEPTH, &mut budget)?;
        }
        Ok(Self(vars))
    }

    /// No variables at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The original variables.
    #[must_use]
    pub const fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Adds a variable, or replaces the one with the same name.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn insert(&mut self, name: &str, value: Value) -> Result<(), BadExtraVars> {
        let one = Self::check(Map::from_iter([(name.to_owned(), value)]), false)?;
        self.0.extend(one.0);
        Ok(())
    }

    /// The variables themselves.
    #[must_use]
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }

    /// The variables as JSON for `--extra-vars @file`, every string tagged as unsafe.
    #[must_use]
    pub fn to_unsafe_json(&self) -> Value {
        Value::Object(self.0.iter().map(|(key, value)| (key.clone(), to_unsafe(value))).collect())
    }
}

fn is_variable_name(key: &str) -> bool {
    let mut characters = key.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && key.len() <= 200
        && !key.starts_with("__ansible")
}

fn check_value(path: &str, value: &Value, depth: usize, budget: &mut usize) -> Result<(), BadExtraVars> {
    if depth == 0 || *budget == 0 {
        let key = path.split('.').next().unwrap_or(path).to_owned();
        return Err(BadExtraVars::TooLarge { key });
    }
    *budget -= 1;
    match value {
        Value::Object(members) => members.iter().try_for_each(|(key, member)| {
            let path = format!("{path}.{}", key.escape_debug());
            if key.starts_with("__ansible") {
                return Err(BadExtraVars::Reserved { key: path });
            }
            check_value(&path, member, depth - 1, budget)
        }),
        Value::Array(items) => items.iter().try_for_each(|item| check_value(path, item, depth - 1, budget)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

pub(crate) fn to_unsafe(value: &Value) -> Value {
    match value {
        Value::String(text) => json!({ "__ansible_unsafe": text }),
        Value::Array(items) => items.iter().map(to_unsafe).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(key, member)| (key.clone(), to_unsafe(member))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(vars: Value) -> Result<ExtraVars, BadExtraVars> {
        let Value::Object(vars) = vars else { panic!("not an object") };
        ExtraVars::check(vars, false)
    }

    #[test]
    fn every_text_is_tagged_and_nothing_else_changes() {
        let vars =
            check(json!({"a": "{{ x }}", "b": ["1000", 7, null, true], "c": {"d": "e"}})).expect("allowed");
        assert_eq!(
            vars.to_unsafe_json(),
            json!({
                "a": {"__ansible_unsafe": "{{ x }}"},
                "b": [{"__ansible_unsafe": "1000"}, 7, null, true],
                "c": {"d": {"__ansible_unsafe": "e"}},
            })
        );
    }

    #[test]
    fn variables_that_steer_the_connection_or_the_reader_are_refused() {
        for (vars, key) in [
            (json!({"ansible_host": "evil"}), "ansible_host"),
            (json!({"ansible_python_interpreter": "/tmp/x"}), "ansible_python_interpreter"),
            (json!({"a-b": 1}), "a-b"),
            (json!({"1a": 1}), "1a"),
            (json!({"": 1}), ""),
            (json!({"a": {"__ansible_vault": "x"}}), "a.__ansible_vault"),
            (json!({"a": [{"__ansible_unsafe": "x"}]}), "a.__ansible_unsafe"),
            (json!({"__ansible_type": "x"}), "__ansible_type"),
        ] {
            assert_eq!(check(vars).expect_err("refused").key(), key);
        }
        let Value::Object(vars) = json!({"ansible_user": "root"}) else { unreachable!() };
        assert!(ExtraVars::check(vars, true).is_ok());
    }

    #[test]
    fn depth_and_number_are_limited() {
        let deep = (0..MAX_DEPTH + 1).fold(json!(1), |inner, _| json!([inner]));
        assert!(check(json!({"a": deep})).is_err());
        assert!(check(json!({"a": vec![0; MAX_VALUES + 1]})).is_err());
        assert!(check(json!({"a": vec![0; MAX_VALUES - 1]})).is_ok());
    }
}
