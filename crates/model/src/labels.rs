//! Labels: key-value pairs of a job that callers can search by.

use std::{collections::BTreeMap, ops::Deref};

use serde::{Deserialize, Serialize};

/// Maximum number of labels of a job.
pub const MAX_LABELS: usize = 32;
/// The longest key, in characters.
pub const MAX_KEY_CHARACTERS: usize = 63;
/// The longest value, in characters.
pub const MAX_VALUE_CHARACTERS: usize = 255;

/// Why something is no set of labels.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadLabels {
    /// More than [`MAX_LABELS`].
    #[error("{0} labels are too many: at most {MAX_LABELS} are allowed")]
    TooMany(usize),
    /// The key is empty, too long, or contains an invalid character.
    #[error("`{0}` is no label key: use 1 to {MAX_KEY_CHARACTERS} letters, digits, `_`, `.` and `-`")]
    Key(String),
    /// The value is too long or has a control character.
    #[error(
        "the label `{0}` has no fit value: use at most {MAX_VALUE_CHARACTERS} characters and no control \
         characters"
    )]
    Value(String),
}

/// Checked labels, by key: `[A-Za-z0-9_.-]{1,63}`, each with a value that can be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>")]
pub struct Labels(BTreeMap<String, String>);

impl TryFrom<BTreeMap<String, String>> for Labels {
    type Error = BadLabels;

    fn try_from(labels: BTreeMap<String, String>) -> Result<Self, BadLabels> {
        if labels.len() > MAX_LABELS {
            return Err(BadLabels::TooMany(labels.len()));
        }
        for (key, value) in &labels {
            if !is_key(key) {
                return Err(BadLabels::Key(key.escape_debug().to_string()));
            }
            if value.chars().count() > MAX_VALUE_CHARACTERS || value.chars().any(char::is_control) {
                return Err(BadLabels::Value(key.clone()));
            }
        }
        Ok(Self(labels))
    }
}

/// Is this the key of a label?
#[must_use]
pub fn is_key(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    !text.is_empty() && text.len() <= MAX_KEY_CHARACTERS && text.chars().all(allowed)
}

impl Deref for Labels {
    type Target = BTreeMap<String, String>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Result<Labels, BadLabels> {
        let owned = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        owned.collect::<BTreeMap<_, _>>().try_into()
    }

    #[test]
    fn keys_are_words_and_values_are_one_line() {
        let long = "é".repeat(MAX_VALUE_CHARACTERS);
        assert!(labels(&[("team", "red/blue: 1"), ("a.b_c-D9", ""), ("long", &long)]).is_ok());
        for bad in ["", "a b", "a=b", "a/b", "é", "a\n", &"k".repeat(MAX_KEY_CHARACTERS + 1)] {
            assert_eq!(labels(&[(bad, "x")]), Err(BadLabels::Key(bad.escape_debug().to_string())));
        }
        for bad in ["a\nb", "\0", "\u{7f}", &format!("{long}x")] {
            assert_eq!(labels(&[("key", bad)]), Err(BadLabels::Value("key".to_owned())), "{bad:?}");
        }
    }

    #[test]
    fn there_are_at_most_so_many_and_json_is_checked() {
        let many: BTreeMap<_, _> = (0..=MAX_LABELS).map(|n| (n.to_string(), String::new())).collect();
        assert_eq!(Labels::try_from(many), Err(BadLabels::TooMany(MAX_LABELS + 1)));
        let read = serde_json::from_str::<Labels>(r#"{"team":"red"}"#).expect("labels");
        assert_eq!(serde_json::to_string(&read).expect("JSON"), r#"{"team":"red"}"#);
        assert!(serde_json::from_str::<Labels>(r#"{"a b":"red"}"#).is_err());
    }
}
