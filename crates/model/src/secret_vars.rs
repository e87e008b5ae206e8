//! Secret variables of a request: their names are not secret, but their values are.
//!
//! Neither `Debug` nor `Serialize` shows a value. The two consumers of the values, their encryption and the pipe to the
//! supervisor, call [`SecretVars::expose`]. Values are wiped when they are dropped. When only the names were stored,
//! a variable has no value until [`SecretVars::give_back`] restores it.

use std::{collections::BTreeMap, fmt, mem};

use secrecy::{SecretString, zeroize::Zeroize};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{
    extra_vars::{BadExtraVars, ExtraVars},
    redact::SHORTEST_VALUE,
};

/// Secret variables by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SecretVars(BTreeMap<String, Option<SecretValue>>);

/// A value that is not shown, and wiped when dropped.
#[derive(Clone, PartialEq)]
pub struct SecretValue(Value);

impl SecretVars {
    /// Checks names and shapes as [`ExtraVars::check`] does.
    ///
    /// # Errors
    /// The first variable that is refused, and why; its value is not in it.
    pub fn check(vars: Map<String, Value>, allow_connection: bool) -> Result<Self, BadExtraVars> {
        let vars = ExtraVars::check(vars, allow_connection)?.into_map();
        Ok(Self(vars.into_iter().map(|(name, value)| (name, Some(SecretValue(value)))).collect()))
    }

    /// None at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The first with a string that is too short to be masked in output: it would occur everywhere.
    #[must_use]
    pub fn too_short(&self) -> Option<&str> {
        let has_short = |value: &SecretValue| {
            let mut texts = Vec::new();
            texts_in(&value.0, &mut texts);
            texts.iter().any(|text| (1..SHORTEST_VALUE).contains(&text.len()))
        };
        self.0.iter().find(|(_, value)| value.as_ref().is_some_and(has_short)).map(|(name, _)| name.as_str())
    }

    /// Every string and every number in the values, which must not appear anywhere.
    #[must_use]
    pub fn texts(&self) -> Vec<SecretString> {
        let mut numbers = Vec::new();
        let mut texts = Vec::new();
        for SecretValue(value) in self.0.values().flatten() {
            texts_in(value, &mut texts);
            numbers_in(value, &mut numbers);
        }
        texts.into_iter().map(SecretString::from).chain(numbers.into_iter().map(SecretString::from)).collect()
    }

    /// The values by name, for a door that needs them; `None` when one of them is not here.
    #[must_use]
    pub fn expose(&self) -> Option<SecretValue> {
        let members = self.0.iter().map(|(name, value)| Some((name.clone(), value.as_ref()?.0.clone())));
        members.collect::<Option<Map<_, _>>>().map(|members| SecretValue(Value::Object(members)))
    }

    /// Restores values that were exposed before. Values of other variables are dropped.
    pub fn give_back(&mut self, values: &SecretValue) {
        for (name, value) in &mut self.0 {
            *value = values.0.get(name).cloned().map(SecretValue);
        }
    }

    /// The variables as Ansible takes them, every string tagged as unsafe.
    #[must_use]
    pub fn to_unsafe_json(&self) -> SecretValue {
        let members = self.0.iter().filter_map(|(name, value)| Some((name.clone(), value.as_ref()?)));
        SecretValue(Value::Object(
            members.map(|(name, value)| (name, crate::extra_vars::to_unsafe(&value.0))).collect(),
        ))
    }
}

impl SecretValue {
    /// Takes a value.
    #[must_use]
    pub const fn new(value: Value) -> Self {
        Self(value)
    }

    /// The value itself.
    #[must_use]
    pub const fn expose(&self) -> &Value {
        &self.0
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

impl Drop for SecretValue {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Overwrites every text inside.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => {
            for (mut key, mut member) in mem::take(members) {
                key.zeroize();
                wipe(&mut member);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn texts_in<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts_in(item, texts)),
        Value::Object(members) => members.values().for_each(|member| texts_in(member, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn numbers_in(value: &Value, numbers: &mut Vec<String>) {
    match value {
        Value::Number(number) => numbers.push(number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| numbers_in(item, numbers)),
        Value::Object(members) => members.values().for_each(|member| numbers_in(member, numbers)),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// The names.
impl Serialize for SecretVars {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}

/// From the names: the values are elsewhere.
impl<'de> Deserialize<'de> for SecretVars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        Ok(Self(names.into_iter().map(|name| (name, None)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;
    use serde_json::json;

    fn vars() -> SecretVars {
        let Value::Object(vars) = json!({"token": "hunter-two", "more": {"pins": [12345, "{{ x }}"]}}) else {
            panic!("an object")
        };
        SecretVars::check(vars, false).expect("allowed")
    }

    #[test]
    fn values_are_neither_printed_nor_written() {
        let shown = format!("{:?} {}", vars(), serde_json::to_string(&vars()).expect("JSON"));
        assert!(!shown.contains("hunter") && !shown.contains("12345"), "{shown}");
        assert!(shown.contains(r#"["more","token"]"#), "{shown}");
    }

    #[test]
    fn values_come_back_to_their_names() {
        let mut read: SecretVars = serde_json::from_value(json!(["more", "token"])).expect("names");
        assert_eq!(read.expose().map(drop), None);
        read.give_back(&vars().expose().expect("all values"));
        assert_eq!(read, vars());
    }

    #[test]
    fn texts_and_numbers_are_known_for_masking() {
        let texts: Vec<String> = vars().texts().iter().map(|text| text.expose_secret().to_owned()).collect();
        assert_eq!(texts, ["{{ x }}", "hunter-two", "12345"]);
    }

    #[test]
    fn a_text_that_cannot_be_masked_is_reported() {
        let short = |value: Value| {
            let vars = SecretVars::check(Map::from_iter([("a".to_owned(), value)]), false).expect("allowed");
            vars.too_short().map(str::to_owned)
        };
        assert_eq!(short(json!("abc")).as_deref(), Some("a"));
        assert_eq!(short(json!({"b": ["", "abcd", 1, true]})), None);
    }

    #[test]
    fn texts_reach_ansible_as_data() {
        let json = vars().to_unsafe_json();
        assert_eq!(json.expose()["more"]["pins"], json!([12345, {"__ansible_unsafe": "{{ x }}"}]));
    }
}
