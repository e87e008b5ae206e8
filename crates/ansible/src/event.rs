//! From ansible-runner's events to ours.
//!
//! What must never be kept goes here, once, before anything is written: `invocation` (the arguments of a
//! module, where the API token stands in clear), Ansible's internal `_ansible_*` keys, known secrets by value
//! and by shape, and the path of the private directory.

use std::borrow::Cow;

use jiff::Timestamp;
use model::{Draft, EventKind, Redactor};
use serde_json::{Map, Value, json};

use crate::{
    log_text::unix_lines,
    stream::{Item, RunnerEvent},
};

/// Keys of an event's data that say nothing to a user: counters of Ansible's own, and copies of what an event
/// of ours has in a field.
const DROPPED: &[&str] = &[
    "host",
    "invocation",
    "name",
    "pid",
    "play",
    "play_pattern",
    "play_uuid",
    "playbook_uuid",
    "remote_addr",
    "task",
    "task_args",
    "task_uuid",
    "uuid",
];

/// Turns what one run writes into events.
#[derive(Debug)]
pub struct Translator {
    redactor: Redactor,
    /// `<private directory>/project/`: cut off, so that paths are those of the playbooks root.
    project_prefix: String,
}

impl Translator {
    /// For a run whose private directory holds its project below `project_prefix` (with a slash at its end).
    #[must_use]
    pub const fn new(redactor: Redactor, project_prefix: String) -> Self {
        Self { redactor, project_prefix }
    }

    /// The event to keep. `now` is for what has no time of its own.
    #[must_use]
    pub fn draft(&self, item: Item, now: Timestamp) -> Draft {
        match item {
            Item::Event(event) => self.runner_event(*event, now),
            Item::Text(text) => self.text(EventKind::VERBOSE, &text, now),
            Item::Oversized { bytes } => {
                self.left_out(EventKind::OVERSIZED, bytes, "was larger than the limit", now)
            }
            Item::Unreadable { bytes } => {
                self.left_out(EventKind::UNREADABLE, bytes, "could not be read", now)
            }
        }
    }

    /// A line of output that belongs to no event.
    #[must_use]
    pub fn text(&self, kind: EventKind, text: &str, now: Timestamp) -> Draft {
        let mut draft = Draft::new(now, kind, Value::Object(Map::new()));
        draft.stdout = Some(self.clean(text));
        draft
    }

    /// Output as it may be kept.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        let lines = unix_lines(text);
        self.redactor.text(&without_invocation(&lines)).replace(&self.project_prefix, "")
    }

    fn left_out(&self, kind: EventKind, bytes: u64, why: &str, now: Timestamp) -> Draft {
        let mut draft = self.text(kind, &format!("[an event of {bytes} bytes {why} and is left out]"), now);
        draft.data = json!({ "bytes": bytes });
        draft
    }

    fn runner_event(&self, event: RunnerEvent, now: Timestamp) -> Draft {
        let mut data = event.event_data;
        let field = |name: &str| match data.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Some(self.clean(text)),
            _ => None,
        };
        let (host, play, task) = (field("host"), field("play"), field("task"));
        for key in DROPPED {
            data.shift_remove(*key);
        }
        let mut data = Value::Object(data);
        drop_internals(&mut data);
        self.clean_value(&mut data);
        let stdout = Some(self.clean(&event.stdout)).filter(|text| !text.is_empty());
        let kind = match event.event.parse() {
            Ok(kind) => kind,
            Err(never) => match never {},
        };
        Draft { time: event.created.unwrap_or(now), kind, host, play, task, stdout, data }
    }

    /// Cleans every text inside, keys excepted.
    fn clean_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                let clean = self.redactor.text(text);
                if clean.contains(&self.project_prefix) {
                    *text = clean.replace(&self.project_prefix, "");
                } else if let Cow::Owned(clean) = clean {
                    *text = clean;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.clean_value(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.clean_value(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// From verbosity 3 on Ansible prints the arguments of modules with their results, over many lines or in one.
fn without_invocation(text: &str) -> Cow<'_, str> {
    const KEY: &str = "\"invocation\": {";
    let mut rest = text;
    let mut result = String::new();
    while let Some(at) = rest.find(KEY) {
        let inside = at + KEY.len();
        result.push_str(&rest[..inside - 1]);
        result.push_str("\"***\"");
        rest = &rest[inside + length_of_object(&rest[inside..])..];
    }
    if result.is_empty() {
        return Cow::Borrowed(text);
    }
    result.push_str(rest);
    Cow::Owned(result)
}

/// How far an object reaches whose brace is open already; to the end when it is not closed.
fn length_of_object(text: &str) -> usize {
    let (mut depth, mut in_string, mut escaped) = (1_u32, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' if !in_string => depth += 1,
            b'}' if !in_string && depth == 1 => return at + 1,
            b'}' if !in_string => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

/// Removes `invocation` and `_ansible_*` at every depth: loops and includes nest results in results.
fn drop_internals(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|key, _| key != "invocation" && !key.starts_with("_ansible_"));
            members.values_mut().for_each(drop_internals);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_internals),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_arguments_of_modules_are_cut_out_whatever_they_hold() {
        for (printed, kept) in [
            (
                r#"{"a": 1, "invocation": {"module_args": {"x": "}\"{", "y": {}}}, "b": 2}"#,
                r#"{"a": 1, "invocation": "***", "b": 2}"#,
            ),
            (
                "\u{1b}[0;32m    \"invocation\": {\u{1b}[0m\n  \"t\": \"s\"\n }\nend",
                "\u{1b}[0;32m    \"invocation\": \"***\"\nend",
            ),
            (r#""invocation": {"cut": "off"#, r#""invocation": "***""#),
            ("nothing", "nothing"),
        ] {
            assert_eq!(without_invocation(printed), kept);
        }
    }

    #[test]
    fn an_event_that_cannot_be_read_leaves_its_size_and_nothing_else() {
        let translator = Translator::new(Redactor::default(), "/p/project/".into());
        let draft = translator.draft(Item::Unreadable { bytes: 7 }, Timestamp::UNIX_EPOCH);
        assert_eq!((draft.kind, draft.data), (EventKind::UNREADABLE, json!({ "bytes": 7 })));
    }

    #[test]
    fn paths_of_the_private_directory_become_those_of_the_playbooks_root() {
        let translator = Translator::new(Redactor::default(), "/p/project/".into());
        let mut value = json!({"a": ["in /p/project/x.yml and /p/project/y"], "b": 1});
        translator.clean_value(&mut value);
        assert_eq!(value, json!({"a": ["in x.yml and y"], "b": 1}));
    }
}
