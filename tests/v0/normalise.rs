//! Removes from a reply what has no meaning for clients: arbitrary order, wording of errors, and parts of Ansible's output that
//! depend on its version and on temporary paths.

use std::{collections::BTreeMap, sync::LazyLock};

use regex::Regex;
use serde_json::{Value, json};

use crate::{case::Detail, matcher::is_match};

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern")
}

static COLOUR: LazyLock<Regex> = LazyLock::new(|| pattern(r"\x1b\[[0-9;]*[A-Za-z]"));
static RESULT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(ok|changed|skipping|fatal|failed|ignored|rescued): \[([^\]]+)\](.*)"));
static RECAP: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(\S+)\s+: ((?:\w+=\d+\s*)+)$"));
static LOOPBACK: LazyLock<Regex> = LazyLock::new(|| pattern(r"^https?://(localhost|127\.0\.0\.1)(:\d+)?/"));
static BAD_JSON_AT: LazyLock<Regex> = LazyLock::new(|| pattern(r"^body\.\d+$"));

/// A header's value. What is a list has no order, a content type no parameters, and a location on this machine no host.
pub(crate) fn header(name: &str, value: &str) -> Value {
    match name {
        "content-type" => Value::from(value.split(';').next().unwrap_or_default().trim()),
        "allow" | "vary" | "access-control-allow-methods" | "access-control-allow-headers" => {
            let mut parts: Vec<_> = value.split(',').map(|part| part.trim().to_lowercase()).collect();
            parts.sort();
            Value::from(parts)
        }
        "location" => Value::from(LOOPBACK.replace(value, "/")),
        _ => Value::from(value),
    }
}

/// Brings a reply of Rangehand into the form of the recorded one, which is `expected`.
pub(crate) fn reply(status: u16, mut found: Value, detail: Detail, expected: &mut Value) -> Value {
    let (Some(answer), Some(expected)) = (found.as_object_mut(), expected.as_object_mut()) else {
        return found;
    };
    if let Some(log) = answer.get_mut("log_multiline").filter(|log| log.is_array()) {
        let lines: Option<Vec<&str>> = log.as_array().into_iter().flatten().map(Value::as_str).collect();
        if let Some(lines) = lines {
            *log = match detail {
                Detail::Full => log_of(&lines).into(),
                Detail::Recap => recap_of(&lines).into(),
            };
        }
    }
    // A failed run can have a reason.
    if status >= 500 && !expected.contains_key("error") && answer.get("error").is_some_and(Value::is_string) {
        answer.remove("error");
    }
    match expected.get_mut("detail") {
        Some(text @ Value::String(_)) => *text = json!({"$text": true}),
        Some(Value::Array(expected)) => {
            if let Some(Value::Array(errors)) = answer.get_mut("detail") {
                errors.iter_mut().for_each(error);
                expected.iter_mut().for_each(error);
                pair(expected, errors);
            }
        }
        _ => {}
    }
    found
}

/// Where a parser gave up on bad JSON, and its words, are its own.
fn error(error: &mut Value) {
    if error["type"] == "json_invalid" {
        error["ctx"] = json!({"error": "..."});
        if error["field"].as_str().is_some_and(|field| BAD_JSON_AT.is_match(field)) {
            error["field"] = json!("body.N");
        }
    }
}

/// The errors of a 422 have no order: brings those found into the order of those expected, the others last.
fn pair(expected: &[Value], found: &mut Vec<Value>) {
    let mut left = std::mem::take(found);
    let mut take = |fits: &dyn Fn(&Value) -> bool| left.iter().position(fits).map(|index| left.remove(index));
    let exact: Vec<_> = expected.iter().map(|expected| take(&|error| is_match(expected, error))).collect();
    for (expected, exact) in expected.iter().zip(exact) {
        let near = || take(&|error: &Value| error["field"] == expected["field"]);
        found.extend(exact.or_else(near));
    }
    found.extend(left);
}

/// The facts of a run: plays, tasks that had results, results by host, recap. Results with data are objects.
pub(crate) fn log_of(lines: &[&str]) -> Vec<Value> {
    let mut parts: Vec<(String, Vec<Value>)> = Vec::new();
    let mut lines = lines.iter().map(|line| COLOUR.replace_all(line, "").trim_end().to_owned());
    while let Some(line) = lines.next() {
        if line.starts_with("PLAY ") || line.starts_with("TASK ") {
            parts.push((line.trim_end_matches(['*', ' ']).to_owned(), Vec::new()));
        } else if let Some((_, results)) = parts.last_mut() {
            results.extend(match line.strip_suffix(" => {") {
                Some(head) => Some(result_with_data(head, &mut lines)),
                None => result(&line).map(Value::from),
            });
        } else if line.ends_with(" => {") {
            // Before the first play: a warning with data.
            lines.by_ref().find(|line| line == "}");
        }
    }
    // What comes before the first play, such as results of a listing, does not count.
    let parts = parts.into_iter().skip_while(|(head, _)| !head.starts_with("PLAY ["));
    let shown = parts.filter(|(head, results)| head.starts_with("PLAY") || !results.is_empty());
    shown
        .flat_map(|(head, mut results)| {
            results.sort_by_key(Value::to_string);
            std::iter::once(Value::from(head)).chain(results)
        })
        .collect()
}

/// A line of a result, without its data and the text of its error.
fn result(line: &str) -> Option<String> {
    if line == "skipping: no hosts matched" {
        return Some(line.to_owned());
    }
    if let Some(found) = RESULT.captures(line) {
        return match &found[1] {
            "skipping" => None,
            "fatal" | "failed" => {
                let kind = if found[3].contains("UNREACHABLE!") { "UNREACHABLE!" } else { "FAILED!" };
                Some(format!("{}: [{}]: {kind}", &found[1], &found[2]))
            }
            _ => Some(line.to_owned()),
        };
    }
    let found = RECAP.captures(line)?;
    let counts: Vec<_> = found[2].split_whitespace().collect();
    Some(format!("{} : {}", &found[1], counts.join(" ")))
}

/// `ok: [host] => {`, lines of JSON, `}`.
fn result_with_data(head: &str, lines: &mut impl Iterator<Item = String>) -> Value {
    let body: Vec<_> = lines.take_while(|line| line != "}").collect();
    match serde_json::from_str::<Value>(&format!("{{{}}}", body.join("\n"))) {
        Ok(data) => json!({ head: data }),
        Err(_) => Value::from(format!("{head} => {}", body.join(" "))),
    }
}

/// `host: ok`, `host: failed` or `host: unreachable`, by host.
fn recap_of(lines: &[&str]) -> Vec<String> {
    let hosts: BTreeMap<String, &str> = log_of(lines)
        .iter()
        .filter_map(|line| {
            let found = RECAP.captures(line.as_str()?)?;
            let counted = |word: &str| {
                found[2].split(' ').any(|count| {
                    count.strip_prefix(word).is_some_and(|number| number.starts_with('=') && number != "=0")
                })
            };
            let state = ["unreachable", "failed"].into_iter().find(|word| counted(word)).unwrap_or("ok");
            Some((found[1].to_owned(), state))
        })
        .collect();
    hosts.into_iter().map(|(host, state)| format!("{host}: {state}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{header, log_of, recap_of, reply};
    use crate::{case::Detail, matcher::is_match};

    const LOG: &[&str] = &[
        "[WARNING]: something => {",
        "    \"ok: [x]\": 1",
        "}",
        "",
        "\u{1b}[0;32mPLAY [demo] *********\u{1b}[0m",
        "",
        "TASK [without results] ****",
        "skipping: [b]",
        "TASK [both] *****",
        "ok: [b] => {",
        "    \"msg\": {\"a\": 1}",
        "}",
        "ok: [a]",
        "fatal: [c]: UNREACHABLE! => {\"msg\": \"no route\"}",
        "PLAY RECAP ****",
        "b      : ok=1    changed=0    unreachable=0    failed=0   ",
        "c      : ok=0    changed=0    unreachable=1    failed=0   ",
    ];

    #[test]
    fn a_log_is_reduced_to_the_facts_of_the_run() {
        assert_eq!(
            log_of(LOG),
            [
                json!("PLAY [demo]"),
                json!("TASK [both]"),
                json!("fatal: [c]: UNREACHABLE!"),
                json!("ok: [a]"),
                json!({"ok: [b]": {"msg": {"a": 1}}}),
                json!("PLAY RECAP"),
                json!("b : ok=1 changed=0 unreachable=0 failed=0"),
                json!("c : ok=0 changed=0 unreachable=1 failed=0"),
            ]
        );
        assert_eq!(recap_of(LOG), ["b: ok", "c: unreachable"]);
        assert_eq!(log_of(&["ERROR! no such playbook"]), Vec::<Value>::new());
    }

    #[test]
    fn the_errors_of_a_422_have_no_order() {
        let mut expected =
            json!({"detail": [{"field": "a", "type": {"$text": true}}, {"field": "b", "type": "x"}]});
        let found = json!({"detail": [{"field": "b", "type": "x"}, {"field": "a", "type": "y"}]});
        let found = reply(422, found, Detail::Full, &mut expected);
        assert!(is_match(&expected, &found), "{found}");
        let fewer = reply(422, json!({"detail": [{"field": "b", "type": "x"}]}), Detail::Full, &mut expected);
        assert!(!is_match(&expected, &fewer));
    }

    #[test]
    fn headers_are_compared_by_what_they_mean() {
        assert_eq!(header("content-type", "application/json; charset=utf-8"), json!("application/json"));
        assert_eq!(header("allow", "POST, GET"), header("allow", "get,post"));
        assert_eq!(header("location", "http://localhost:8000/a"), json!("/a"));
    }
}
