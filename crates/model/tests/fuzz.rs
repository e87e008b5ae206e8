//! Properties of all text that clients can send: any text is parsed or rejected, and accepted text is harmless.
//!
//! `PROPTEST_CASES` is the number of cases of each property. `./torture.sh fuzz` runs many.

#![allow(clippy::unwrap_used, reason = "a failed test shows the line")]

use model::{
    ContentName, EventKind, ExtraVars, HostPattern, JobId, Labels, Redactor, Resource, RetryPolicy, Tags,
    TaskName,
    extra_vars::{MAX_DEPTH, MAX_VALUES},
};
use proptest::prelude::*;
use serde_json::{Map, Value};

/// Texts near the borders of what is allowed: separators, options, climbs, quotes, templates, control characters.
fn text() -> impl Strategy<Value = String> {
    let near =
        r#"([a-z0-9_.\-/:,@!&~\[\]*=|+ ]|\.\.|\n|\r|\x00|'|"|\\|;|`|\$\(|\{\{|\}\}|é|\u{202e}|%2e){0,24}"#;
    prop_oneof![near.prop_map(|text| text), any::<String>()]
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    let key = prop_oneof![text(), Just("__ansible_unsafe".to_owned()), Just("__ansible_vault".to_owned())];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Whether any string in it is outside of Ansible's mark for unsafe text, which is not evaluated.
fn has_open_text(value: &Value) -> bool {
    match value {
        Value::String(_) => true,
        Value::Array(items) => items.iter().any(has_open_text),
        Value::Object(members) if members.len() == 1 && members.contains_key("__ansible_unsafe") => {
            !members["__ansible_unsafe"].is_string()
        }
        Value::Object(members) => {
            members.iter().any(|(key, member)| key.starts_with("__ansible") || has_open_text(member))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

proptest! {
    #[test]
    fn a_name_stays_below_its_root_and_is_no_option(text in text()) {
        if let Ok(name) = text.parse::<ContentName>() {
            prop_assert_eq!(name.as_str(), &text);
            prop_assert!(!text.contains("..") && !text.starts_with(['/', '-', '.', '~']) && !text.ends_with('/'));
            let special = ['%', '\\', '\'', '"', '{', '}', '$', ';', '`', '*', '?', '<', '>', '|'];
            prop_assert!(!text.contains(special));
            prop_assert!(!text.chars().any(|c| c.is_control() || (c.is_whitespace() && c != ' ')));
        }
    }

    #[test]
    fn a_host_pattern_is_one_word_that_names_no_file_and_no_option(text in text()) {
        if let Ok(pattern) = text.parse::<HostPattern>() {
            prop_assert_eq!(pattern.as_str(), &text);
            prop_assert!(!text.chars().any(|c| (c.is_whitespace() && c != ' ') || c.is_control()));
            let mut parts = text.split(',').map(|part| part.trim().trim_start_matches(['!', '&']));
            prop_assert!(parts.all(|part| !part.starts_with(['-', '@'])));
        }
    }

    #[test]
    fn tags_are_words_whether_they_come_as_a_text_or_as_a_list(parts in prop::collection::vec(text(), 0..4)) {
        let listed = Tags::from_list(&parts);
        let joined = parts.join(",").parse::<Tags>();
        prop_assert_eq!(listed.is_ok(), joined.is_ok());
        if let Ok(tags) = joined {
            prop_assert!(tags.as_str().split(',').all(|tag| !tag.is_empty() && !tag.starts_with('-')));
            let is_special = |c: char| c.is_whitespace() || c.is_control() || "'\"{}$`;".contains(c);
            prop_assert!(!tags.as_str().contains(is_special));
        }
    }

    #[test]
    fn what_else_is_a_text_is_itself_again_or_refused(text in text()) {
        if let Ok(id) = text.parse::<JobId>() {
            prop_assert_eq!(id.to_string(), text.to_ascii_lowercase());
        }
        if let Ok(resource) = text.parse::<Resource>() {
            prop_assert_eq!(resource.as_str(), &text);
        }
        if let Ok(task) = text.parse::<TaskName>() {
            prop_assert!(!task.as_str().contains(['\n', '\0']));
        }
        // What is no kind becomes one that can be kept.
        let Ok(kind) = text.parse::<EventKind>();
        prop_assert!(kind.as_str().len() <= 64);
    }

    #[test]
    fn no_text_of_a_variable_is_left_to_be_evaluated(members in prop::collection::vec((text(), json()), 0..6)) {
        let vars: Map<String, Value> = members.into_iter().collect();
        if let Ok(checked) = ExtraVars::check(vars, false) {
            for (name, value) in checked.to_unsafe_json().as_object().unwrap() {
                prop_assert!(!name.starts_with("ansible_") && !name.starts_with("__ansible"));
                prop_assert!(!has_open_text(value), "{}", value);
            }
        }
    }

    #[test]
    fn values_of_any_shape_are_read_or_refused_by_every_type(value in json()) {
        let _ = serde_json::from_value::<Labels>(value.clone());
        let _ = serde_json::from_value::<RetryPolicy>(value.clone());
        let _ = serde_json::from_value::<model::Resources>(value.clone());
        let _ = serde_json::from_value::<model::JobRequest>(value);
    }

    #[test]
    fn a_secret_is_masked_at_any_position(secret in "[!-~]{8,20}", before in text(), after in text()) {
        let redactor = Redactor::new([secret.clone()]);
        let text = format!("{before}{secret}{after}");
        let clean = redactor.text(&text).into_owned();
        // The text around a removed secret can look like the secret, if it did before.
        prop_assume!(!before.contains(&secret) && !after.contains(&secret));
        prop_assert!(!clean.contains(&secret), "{}", clean);
    }
}

#[test]
fn variables_that_are_too_many_or_too_deep_are_refused() {
    let deep = (0..=MAX_DEPTH).fold(Value::Null, |inner, _| Value::from(vec![inner]));
    let wide = Value::from(vec![0; MAX_VALUES + 1]);
    for value in [deep, wide] {
        assert!(ExtraVars::check(Map::from_iter([("a".to_owned(), value)]), false).is_err());
    }
}
