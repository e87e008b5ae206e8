//! Taking secrets out of text before it is stored, streamed or answered.
//!
//! By value: what is known to be secret in this run. By shape: what always is (API tokens and authorization
//! headers as Ansible's verbose output shows them, private keys, passwords in addresses).

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;
use serde_json::Value;

/// What stands in place of a secret.
pub const MASK: &str = "***";

/// Shorter values are not searched for: they would mask half of every text.
const SHORTEST_VALUE: usize = 4;

#[expect(clippy::expect_used, reason = "the patterns are constants, and a test compiles them")]
static SHAPES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"(PVEAPIToken=[^!\s]+![^=\s]+=)[A-Za-z0-9-]+", "${1}***"),
        (r#"(?i)(authorization"?\s*[:=]\s*"?(?:basic|bearer)\s+)[A-Za-z0-9._~+/=-]+"#, "${1}***"),
        (r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)", "***"),
        (r"([a-z][a-z0-9+.-]*://[^/\s:@]+:)[^/\s@]+@", "${1}***@"),
    ]
    .map(|(pattern, mask)| (Regex::new(pattern).expect("a valid pattern"), mask))
    .into()
});

/// Removes secrets; cheap to keep for a whole run.
#[derive(Debug, Default)]
pub struct Redactor {
    values: Vec<String>,
}

impl Redactor {
    /// Knows these values besides the shapes. Values under four bytes are ignored.
    #[must_use]
    pub fn new(values: impl IntoIterator<Item = String>) -> Self {
        let mut values: Vec<String> =
            values.into_iter().filter(|value| value.len() >= SHORTEST_VALUE).collect();
        // Longest first, so that a secret inside another one does not leave the rest of it standing.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Self { values }
    }

    /// The text without secrets.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut result = Cow::Borrowed(text);
        for value in self.values.iter().filter(|value| text.contains(value.as_str())) {
            result = Cow::Owned(result.replace(value.as_str(), MASK));
        }
        for (shape, mask) in SHAPES.iter() {
            if let Cow::Owned(changed) = shape.replace_all(&result, *mask) {
                result = Cow::Owned(changed);
            }
        }
        result
    }

    /// Redacts every text inside, keys excepted.
    pub fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(changed) = self.text(text) {
                    *text = changed;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.value(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values_and_known_shapes_are_masked() {
        let redactor = Redactor::new(["hunter-two".to_owned(), "abc".to_owned()]);
        for (text, clean) in [
            ("password is hunter-two.", "password is ***."),
            ("abc stays", "abc stays"),
            ("PVEAPIToken=root@pam!id=11111111-aaaa next", "PVEAPIToken=root@pam!id=*** next"),
            (r#""Authorization": "Bearer abc.def-ghi""#, r#""Authorization": "Bearer ***""#),
            ("https://user:pass@host/x", "https://user:***@host/x"),
            ("a -----BEGIN RSA PRIVATE KEY-----\nxx\n-----END RSA PRIVATE KEY----- b", "a *** b"),
            ("nothing here", "nothing here"),
        ] {
            assert_eq!(redactor.text(text), clean);
        }
    }
}
