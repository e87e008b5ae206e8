//! Warnings about prompts. Without a terminal no prompt is answered; a warning names the value that was used instead.

use model::{Draft, WarningCode};
use serde_json::{Value, json};

/// The code of these warnings.
const CODE: WarningCode = WarningCode::PromptUnanswered;
/// The message of Ansible's `pause` when it does not wait.
const DOES_NOT_WAIT: &str = "Not waiting for response to prompt";

/// The warning that an event causes, if any.
pub(crate) fn unanswered(draft: &Draft) -> Option<Draft> {
    match draft.kind.as_str() {
        "playbook_on_vars_prompt" => of_a_variable(draft),
        "runner_on_ok" | "runner_item_on_ok" => of_a_pause(draft),
        _ => None,
    }
}

fn of_a_variable(draft: &Draft) -> Option<Draft> {
    let name = draft.data.get("varname")?.as_str()?;
    let used = if draft.data.get("default").is_none_or(Value::is_null) { "nothing" } else { "default" };
    let what = if used == "nothing" { "no value" } else { "its default" };
    let message = format!(
        "the prompt for `{name}` was not answered: {what} was used\nhint: set `{name}` in `extra_vars` or `secret_vars`"
    );
    let prompt = draft.data.get("prompt").cloned().unwrap_or_default();
    let more = json!({ "name": name, "prompt": prompt, "used": used });
    Some(Draft::warning(draft.time, CODE, message, more))
}

fn of_a_pause(draft: &Draft) -> Option<Draft> {
    let warnings = draft.data.get("res")?.get("warnings")?.as_array()?;
    let is_it = |warning: &Value| warning.as_str().is_some_and(|text| text.starts_with(DOES_NOT_WAIT));
    if !warnings.iter().any(is_it) {
        return None;
    }
    let task = draft.task.as_deref().unwrap_or("pause");
    let message = format!("the task `{task}` did not wait for an answer: a run has no terminal");
    Some(Draft::warning(draft.time, CODE, message, json!({ "task": task, "used": "nothing" })))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn warning(kind: &str, data: Value) -> Option<Value> {
        let kind = kind.parse().expect("a kind");
        unanswered(&Draft::new(Timestamp::UNIX_EPOCH, kind, data)).map(|draft| draft.data)
    }

    #[test]
    fn a_prompt_that_was_met_is_a_warning() {
        let met = |data| warning("playbook_on_vars_prompt", data).expect("a warning")["used"].clone();
        assert_eq!(met(json!({"varname": "a", "private": false, "default": "x"})), "default");
        assert_eq!(met(json!({"varname": "a", "private": false, "default": null})), "nothing");
        assert_eq!(met(json!({"varname": "a", "private": true, "default": null})), "nothing");
        assert_eq!(met(json!({"varname": "a", "private": true, "default": "***"})), "default");
        let paused =
            json!({"res": {"warnings": ["Not waiting for response to prompt as stdin is not interactive"]}});
        assert!(warning("runner_on_ok", paused).is_some());
        assert_eq!(warning("runner_on_ok", json!({"res": {"warnings": ["other"]}})), None);
    }
}
