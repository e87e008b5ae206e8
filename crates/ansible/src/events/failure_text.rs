//! The message of a failed result, from the several places where Ansible puts it.
//!
//! Modules use `msg`, includes `reason`, `include_vars` puts its text into `message` next to a meaningless `msg`, loops
//! have the texts in their `results`, and a module that crashes leaves only its output.

use serde_json::{Map, Value};

/// How much of a module's error output a failure shows, in lines.
const ERROR_LINES: usize = 5;
/// How long one failure's message may be, in bytes.
const MESSAGE_BYTES: usize = 4096;
/// Members with a text that explains a failure, besides `msg`.
const EXPLANATIONS: &[&str] = &["reason", "message", "error"];
/// Ansible's placeholder when the text is elsewhere.
const EMPTY_WORDS: &[&str] =
    &["All items completed", "One or more items failed", "Unknown error.", "(traceback unavailable)"];
/// What is shown when there is no text at all.
const NO_TEXT: &str = "failed without a message";

/// The text of a result, with the end of its error output. Never empty.
pub(crate) fn message(result: &Map<String, Value>) -> String {
    let said = |key: &str| result.get(key).map(text).filter(|text| says_something(text));
    if let Some(hidden) = said("censored") {
        return hidden;
    }
    let mut parts: Vec<String> = Vec::new();
    for part in ["msg"].iter().chain(EXPLANATIONS).filter_map(|key| said(key)) {
        if !parts.iter().any(|known| known.contains(&part)) {
            parts.push(part);
        }
    }
    let output = |keys: &[&str]| keys.iter().find_map(|key| said(key)).map(|text| last_lines(&text));
    parts.extend(output(&["stderr", "module_stderr", "module_stdout"]));
    if parts.is_empty() && result.get("failed_when_result") == Some(&Value::Bool(true)) {
        parts.push("failed by its `failed_when` condition".to_owned());
        parts.extend(output(&["stdout"]));
    }
    if parts.is_empty() {
        parts.extend(of_items(result).or_else(|| said("exception")).or_else(|| output(&["stdout"])));
    }
    if parts.is_empty() {
        let code = result.get("rc").and_then(Value::as_i64);
        parts.push(code.map_or_else(|| NO_TEXT.to_owned(), |code| format!("exited with code {code}")));
    }
    shortened(parts.join(": "))
}

/// The loop item that a result belongs to, by the loop variable.
pub(crate) fn item(result: &Map<String, Value>) -> Option<String> {
    let name = result.get("ansible_loop_var").and_then(Value::as_str).unwrap_or("item");
    result.get(name).map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
}

/// The item whose file could not be included: the event of such a failure has the results of all items.
pub(crate) fn item_of_include(result: &Map<String, Value>) -> Option<String> {
    let reason = result.get("reason")?.as_str()?;
    let items = result.get("results")?.as_array()?.iter().filter_map(Value::as_object);
    let is_meant = |item: &&Map<String, Value>| {
        item.get("include").and_then(Value::as_str).is_some_and(|file| reason.contains(file))
    };
    let mut meant = items.filter(is_meant);
    let only = meant.next()?;
    item(only).filter(|_| meant.next().is_none())
}

fn says_something(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && !EMPTY_WORDS.iter().any(|words| text.ends_with(words))
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.trim().to_owned(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let lines: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            lines.join("\n").trim().to_owned()
        }
        Value::Array(items) if items.is_empty() => String::new(),
        Value::Object(members) if members.is_empty() => String::new(),
        other => other.to_string(),
    }
}

/// The first text among the results of a loop.
fn of_items(result: &Map<String, Value>) -> Option<String> {
    let items = result.get("results")?.as_array()?;
    let texts = items.iter().filter_map(Value::as_object).filter(|item| is_failed(item)).map(message);
    texts.into_iter().find(|text| text != NO_TEXT)
}

/// Is it the result of an item that failed, or whose host was unreachable?
pub(crate) fn is_failed(item: &Map<String, Value>) -> bool {
    ["failed", "unreachable"].iter().any(|key| item.get(*key) == Some(&Value::Bool(true)))
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(ERROR_LINES)..].join("\n")
}

fn shortened(mut message: String) -> String {
    if message.len() > MESSAGE_BYTES {
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES));
        message.push_str(" ...");
    }
    message
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_failure_has_a_text_in_every_place_where_ansible_puts_it() {
        for (result, expected) in [
            (json!({"msg": "no"}), "no"),
            (json!({"msg": "no", "stderr": "1\n2\n3\n4\n5\n6\n"}), "no: 2\n3\n4\n5\n6"),
            (json!({"msg": ["a", "b"]}), "a\nb"),
            (json!({"msg": {"a": 1}}), r#"{"a":1}"#),
            (json!({"msg": [1, {"a": 2}]}), r#"[1,{"a":2}]"#),
            (json!({"reason": "no such file", "include": "x.yml"}), "no such file"),
            (json!({"msg": "All items completed", "reason": "no such file", "results": []}), "no such file"),
            (json!({"msg": "Task failed: Action failed: Unknown error.", "message": "gone"}), "gone"),
            (json!({"msg": "broke", "error": "broke"}), "broke"),
            (json!({"msg": "broke", "error": "why"}), "broke: why"),
            (
                json!({"msg": "", "failed_when_result": true, "stdout": "out"}),
                "failed by its `failed_when` condition: out",
            ),
            (json!({"msg": "", "module_stdout": "garbage", "module_stderr": ""}), "garbage"),
            (
                json!({"msg": "", "results": [{"failed": false, "msg": "fine"}, {"failed": true, "msg": "bad"}]}),
                "bad",
            ),
            (json!({"msg": "", "exception": "Traceback: x"}), "Traceback: x"),
            (json!({"msg": "", "exception": "(traceback unavailable)", "rc": 3}), "exited with code 3"),
            (json!({"msg": null, "exception": "(traceback unavailable)"}), NO_TEXT),
            (json!({"censored": "hidden", "msg": "x"}), "hidden"),
            (json!({}), NO_TEXT),
        ] {
            let Value::Object(members) = &result else { panic!("no object") };
            assert_eq!(message(members), expected, "{result}");
        }
    }

    #[test]
    fn an_item_is_found_under_the_name_of_its_loop() {
        for (result, expected) in [
            (json!({"item": 1}), Some("1")),
            (json!({"item": "outer", "vm": {"n": 1}, "ansible_loop_var": "vm"}), Some(r#"{"n":1}"#)),
            (json!({"msg": "x"}), None),
        ] {
            let Value::Object(members) = &result else { panic!("no object") };
            assert_eq!(item(members).as_deref(), expected, "{result}");
        }
    }
}
