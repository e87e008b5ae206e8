//! The value that a `debug` task shows with `var:`, without what Ansible adds to it.

use serde_json::{Map, Value};

/// Is it the event of a `debug` task?
pub(crate) fn is_debug(data: &Value) -> bool {
    let action = data.get("resolved_action").and_then(Value::as_str);
    let action = action.or_else(|| data.get("task_action").and_then(Value::as_str));
    matches!(action, Some("debug" | "ansible.builtin.debug" | "ansible.legacy.debug"))
}

/// Variables and their values, one for each turn of a loop; `None` when the event's result is missing.
pub(crate) fn values(data: &Value) -> Option<Vec<(&String, &Value)>> {
    let Some(Value::Object(result)) = data.get("res") else { return Some(Vec::new()) };
    if result.is_empty() {
        return None;
    }
    // The variable as written. With a template, only the result has the name.
    let written = data.get("debug_var").and_then(Value::as_str).filter(|name| !name.contains("{{"));
    let turns: Vec<&Map<String, Value>> = match result.get("results") {
        // A variable of that name is no loop.
        Some(Value::Array(turns)) if written != Some("results") && is_loop(turns) => {
            turns.iter().filter_map(Value::as_object).collect()
        }
        _ => vec![result],
    };
    Some(turns.into_iter().flat_map(|turn| of_turn(turn, written)).collect())
}

fn is_loop(turns: &[Value]) -> bool {
    turns.iter().all(|turn| {
        turn.get("ansible_loop_var").is_some() || turn.get("item").is_some() || turn.get("censored").is_some()
    })
}

fn of_turn<'a>(turn: &'a Map<String, Value>, written: Option<&str>) -> Vec<(&'a String, &'a Value)> {
    if let Some(shown) = written.and_then(|name| turn.get_key_value(name)) {
        return vec![shown];
    }
    let named = |key: &str| turn.get(key).and_then(Value::as_str);
    let (item, index) = (named("ansible_loop_var"), named("ansible_index_var"));
    let is_shown = |key: &str| !is_beside(key) && Some(key) != item && Some(key) != index;
    turn.iter().filter(|(key, _)| is_shown(key)).collect()
}

/// Is it a member that every result of a task may have? `msg` is a text for people, unless a variable is called so.
fn is_beside(key: &str) -> bool {
    matches!(
        key,
        "ansible_loop"
            | "ansible_loop_var"
            | "ansible_index_var"
            | "attempts"
            | "censored"
            | "changed"
            | "deprecations"
            | "exception"
            | "failed"
            | "failed_when_result"
            | "false_condition"
            | "item"
            | "msg"
            | "skip_reason"
            | "skipped"
            | "skipped_reason"
            | "warnings"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn exactly_the_variable_is_shown_with_any_names_of_the_loop() {
        let turn = |turn: Value| json!({"results": [turn]});
        for (variable, result, shown) in [
            ("x", json!({"x": 1, "changed": false, "failed": false}), json!([["x", 1]])),
            ("msg", json!({"msg": ["a"], "changed": false}), json!([["msg", ["a"]]])),
            ("a.b", json!({"a.b": 1}), json!([["a.b", 1]])),
            ("results", json!({"results": [1, 2]}), json!([["results", [1, 2]]])),
            ("item", turn(json!({"item": "one", "ansible_loop_var": "item"})), json!([["item", "one"]])),
            ("vm", turn(json!({"vm": 1, "ansible_loop_var": "vm"})), json!([["vm", 1]])),
            (
                "colour",
                turn(json!({
                    "colour": "green", "vm": {}, "at": 0, "ansible_loop_var": "vm", "ansible_index_var": "at",
                    "ansible_loop": {"first": true},
                })),
                json!([["colour", "green"]]),
            ),
            ("{{ item }}", turn(json!({"x": 1, "item": "x", "ansible_loop_var": "item"})), json!([["x", 1]])),
            ("{{ name }}", turn(json!({"x": 1, "vm": "x", "ansible_loop_var": "vm"})), json!([["x", 1]])),
        ] {
            let data = json!({"debug_var": variable, "res": result});
            assert_eq!(json!(values(&data)), shown, "{data}");
        }
        assert_eq!(values(&json!({"res": {"msg": "for people", "changed": false}})), Some(vec![]));
        assert_eq!(values(&json!({"res": {}})), None);
    }
}
