//! Compares a reply with the expected one.
//!
//! The expected value is plain JSON, in which an object with a single key that begins with `$` matches many values:
//!
//! | matcher | matches |
//! | --- | --- |
//! | `{"$any": true}` | anything |
//! | `{"$text": true}` | a non-empty string |
//! | `{"$regex": "^a+$"}` | a text in which the pattern is found |
//! | `{"$in": [1, 2]}` | what one of these matches |
//! | `{"$max": 24}` | a number up to this |
//! | `{"$keys": ["a"]}` | an object with at least these keys |
//! | `{"$part": {"a": 1}}` | an object with at least these keys, and their values match |
//!
//! In a list `{"$some": X}` matches one or more values that match X. A key that ends in `?` is optional. All
//! other keys must exist, and no more.

use regex::Regex;
use serde_json::{Map, Value};

/// What differs, one readable line each. `place` names the value, such as `reply.detail`.
pub(crate) fn differences(place: &str, expected: &Value, found: &Value) -> Vec<String> {
    if let Some((name, argument)) = matcher(expected) {
        return if matches(name, argument, found) {
            Vec::new()
        } else {
            vec![unlike(place, expected, found)]
        };
    }
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => objects(place, expected, found),
        (Value::Array(expected), Value::Array(found)) => lists(place, expected, found),
        _ if same(expected, found) => Vec::new(),
        _ => vec![unlike(place, expected, found)],
    }
}

/// Does an answer match?
pub(crate) fn is_match(expected: &Value, found: &Value) -> bool {
    differences("", expected, found).is_empty()
}

fn matcher(expected: &Value) -> Option<(&str, &Value)> {
    let object = expected.as_object().filter(|object| object.len() == 1)?;
    let (name, argument) = object.iter().next()?;
    Some((name.strip_prefix('$')?, argument))
}

fn matches(name: &str, argument: &Value, found: &Value) -> bool {
    match name {
        "any" => true,
        "text" => found.as_str().is_some_and(|text| !text.trim().is_empty()),
        "regex" => {
            let pattern = argument.as_str().expect("a pattern");
            found.as_str().is_some_and(|text| patterns(pattern).iter().all(|pattern| pattern.is_match(text)))
        }
        "in" => argument.as_array().expect("a list").iter().any(|expected| is_match(expected, found)),
        "max" => found.as_f64().is_some_and(|number| number <= argument.as_f64().expect("a number")),
        "keys" => {
            let mut keys =
                argument.as_array().expect("a list").iter().map(|key| key.as_str().expect("a key"));
            found.as_object().is_some_and(|found| keys.all(|key| found.contains_key(key)))
        }
        "part" => {
            let mut part = argument.as_object().expect("an object").iter();
            found.as_object().is_some_and(|found| {
                part.all(|(key, expected)| found.get(key).is_some_and(|found| is_match(expected, found)))
            })
        }
        other => panic!("unknown matcher `${other}`"),
    }
}

/// Some cases require several things in any order, with look-aheads: `(?=.*a)(?=.*b)`. The regex crate has none, so they are
/// several patterns here.
fn patterns(text: &str) -> Vec<Regex> {
    let parts = match text.strip_prefix("(?=").and_then(|text| text.strip_suffix(')')) {
        Some(inner) => inner.split(")(?=").map(|part| format!("^(?:{part})")).collect(),
        None => vec![text.to_owned()],
    };
    parts.iter().map(|part| Regex::new(part).expect("a pattern")).collect()
}

/// Numbers by what they are worth: `0` and `0.0` are one number to every reader of JSON.
fn same(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::Number(expected), Value::Number(found)) => {
            expected == found || expected.as_f64() == found.as_f64()
        }
        _ => expected == found,
    }
}

fn objects(place: &str, expected: &Map<String, Value>, found: &Map<String, Value>) -> Vec<String> {
    let mut differing = Vec::new();
    for (key, expected) in expected {
        let name = key.strip_suffix('?').unwrap_or(key);
        match found.get(name) {
            Some(found) => differing.extend(differences(&format!("{place}.{name}"), expected, found)),
            None if name == key => {
                differing.push(format!("{place}.{name}: missing, expected {}", short(expected)))
            }
            None => {}
        }
    }
    let known = |key: &String| expected.contains_key(key) || expected.contains_key(&format!("{key}?"));
    let unknown = found.iter().filter(|(key, _)| !known(key));
    differing
        .extend(unknown.map(|(key, found)| format!("{place}.{key}: not expected, found {}", short(found))));
    differing
}

fn lists(place: &str, expected: &[Value], found: &[Value]) -> Vec<String> {
    if expected.iter().any(|expected| some(expected).is_some()) {
        let wanted = || vec![unlike(place, &Value::from(expected), &Value::from(found))];
        return if in_sequence(expected, found) { Vec::new() } else { wanted() };
    }
    let mut differing = Vec::new();
    for index in 0..expected.len().max(found.len()) {
        let place = format!("{place}[{index}]");
        differing.extend(match (expected.get(index), found.get(index)) {
            (Some(expected), Some(found)) => differences(&place, expected, found),
            (Some(expected), None) => vec![format!("{place}: missing, expected {}", short(expected))],
            (None, found) => {
                vec![format!("{place}: not expected, found {}", short(found.unwrap_or(&Value::Null)))]
            }
        });
    }
    differing
}

fn some(expected: &Value) -> Option<&Value> {
    matcher(expected).filter(|(name, _)| *name == "some").map(|(_, argument)| argument)
}

fn in_sequence(expected: &[Value], found: &[Value]) -> bool {
    match (expected.split_first(), found.split_first()) {
        (None, None) => true,
        (Some((first, rest)), Some((value, left))) => match some(first) {
            Some(each) => is_match(each, value) && (in_sequence(rest, left) || in_sequence(expected, left)),
            None => is_match(first, value) && in_sequence(rest, left),
        },
        _ => false,
    }
}

fn unlike(place: &str, expected: &Value, found: &Value) -> String {
    format!("{place}: expected {}, found {}", short(expected), short(found))
}

/// A value on a line that a reader can take in.
pub(crate) fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(240) {
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], text.len()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{differences, is_match};

    #[test]
    fn every_matcher_takes_what_it_stands_for_and_nothing_else() {
        let table = [
            (json!({"$any": true}), json!(null), true),
            (json!({"$text": true}), json!("a"), true),
            (json!({"$text": true}), json!(" "), false),
            (json!({"$text": true}), json!(1), false),
            (json!({"$regex": "b+$"}), json!("abb"), true),
            (json!({"$regex": "^b+$"}), json!("abb"), false),
            (json!({"$regex": "(?=.*b)(?=.*(?i:A))"}), json!("xab"), true),
            (json!({"$regex": "(?=.*b)(?=.*(?i:A))"}), json!("xa"), false),
            (json!({"$in": [400, {"$text": true}]}), json!("x"), true),
            (json!({"$in": [400, 404]}), json!(405), false),
            (json!({"$max": 24}), json!(24.0), true),
            (json!({"$max": 24}), json!(25), false),
            (json!({"$keys": ["a"]}), json!({"a": 1, "b": 2}), true),
            (json!({"$part": {"a": 1}}), json!({"a": 1, "b": 2}), true),
            (json!({"$part": {"a": 1}}), json!({"a": 2}), false),
            (json!([{"$some": 1}, 2]), json!([1, 1, 2]), true),
            (json!([{"$some": 1}, 2]), json!([2]), false),
            (json!({"a?": 1}), json!({}), true),
            (json!({"a?": 1}), json!({"a": 2}), false),
            (json!({"a": 1}), json!({}), false),
            (json!({}), json!({"a": 1}), false),
            (json!(0), json!(0.0), true),
            (json!(1), json!(true), false),
            (json!("1"), json!(1), false),
        ];
        for (expected, found, matches) in table {
            assert_eq!(is_match(&expected, &found), matches, "{expected} and {found}");
        }
    }

    #[test]
    fn a_difference_says_where_and_what() {
        let differing = differences("reply", &json!({"a": [1, 2], "b": 3}), &json!({"a": [1], "c": 4}));
        assert_eq!(
            differing,
            [
                "reply.a[1]: missing, expected 2",
                "reply.b: missing, expected 3",
                "reply.c: not expected, found 4",
            ]
        );
    }
}
