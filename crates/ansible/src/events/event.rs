//! Translates events of ansible-runner to events of Rangehand.
//!
//! This is the one place that removes what must never be stored, before anything is written: `invocation` (the arguments of
//! a module, with the API token in plaintext), internal `_ansible_*` keys of Ansible, known secrets by value and by shape,
//! and the path of the private directory.

use std::{borrow::Cow, collections::BTreeSet};

use jiff::Timestamp;
use model::{Draft, EventKind, Oversized, Payload, Redactor, Unreadable, redact::Passage};
use process::log_text::{plain, unix_lines};
use serde_json::{Map, Value};

use crate::events::stream::{Item, RunnerEvent};

/// Keys of an event's data without meaning to users: internal counters of Ansible, and copies of fields of the event.
const DROPPED: &[&str] = &[
    "host",
    "invocation",
    "name",
    "pid",
    "plain_names",
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

/// Members of an event's data that identify content.
const IDENTITY: &[&str] =
    &["debug_var", "playbook", "resolved_action", "resolved_role", "role", "task_action", "task_path"];
/// The maximum number of hosts that are remembered.
const MOST_HOSTS: usize = 100_000;
/// The kind of event for a prompt of a play.
const VARS_PROMPT: &str = "playbook_on_vars_prompt";

/// Turns what one run writes into events.
#[derive(Debug)]
pub struct Translator {
    redactor: Redactor,
    /// Hosts that were seen: their names stay, although they may be secrets as well.
    hosts: BTreeSet<String>,
    /// `<private directory>/project/`: cut off, so that paths are those of the playbooks root.
    project_prefix: String,
    /// The state of its lines outside of events, on its output and on its error output.
    output: Passage,
    errors: Passage,
}

impl Translator {
    /// For a run whose private directory holds its project below `project_prefix` (with a slash at its end).
    #[must_use]
    pub fn new(redactor: Redactor, project_prefix: String) -> Self {
        Self {
            redactor,
            hosts: BTreeSet::new(),
            project_prefix,
            output: Passage::default(),
            errors: Passage::default(),
        }
    }

    /// The event to store. `now` is for items without a time.
    #[must_use]
    pub fn draft(&mut self, item: Item, now: Timestamp) -> Draft {
        match item {
            Item::Event(event) => self.runner_event(*event, now),
            Item::Text(text) => self.text(EventKind::VERBOSE, &text, now),
            Item::Oversized { bytes } => {
                left_out(&Oversized { bytes }, bytes, "was larger than the limit", now)
            }
            Item::Unreadable { bytes } => left_out(&Unreadable { bytes }, bytes, "could not be read", now),
        }
    }

    /// A line of output that belongs to no event. The lines of each kind must be passed in their order.
    #[must_use]
    pub fn text(&mut self, kind: EventKind, text: &str, now: Timestamp) -> Draft {
        let lines = unix_lines(text);
        let passage = if kind == EventKind::RUNNER_STDERR { &mut self.errors } else { &mut self.output };
        let clean = self.redactor.piece(passage, &lines).replace(&self.project_prefix, "");
        let mut draft = Draft::new(now, kind, Value::Object(Map::new()));
        draft.stdout = Some(clean);
        draft
    }

    /// Output as it may be kept.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        let lines = unix_lines(text);
        self.redactor.text(&lines).replace(&self.project_prefix, "")
    }

    fn runner_event(&mut self, event: RunnerEvent, now: Timestamp) -> Draft {
        let mut data = event.event_data;
        let field = |name: &str| match data.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Some(text.as_str()),
            _ => None,
        };
        let host = field("host").map(str::to_owned);
        self.see_hosts(host.as_ref(), &data);
        let names = data.get("plain_names").and_then(Value::as_array);
        let is_plain = |what: &str| names.is_some_and(|names| names.iter().any(|name| name == what));
        let name = |what: &str| field(what).map(|name| self.clean_name(name, is_plain(what)));
        let (play, task) = (name("play"), name("task"));
        for key in DROPPED {
            data.shift_remove(*key);
        }
        let is_private = data.get("private") != Some(&Value::Bool(false));
        if let Some(default) = data.get_mut("default").filter(|_| event.event == VARS_PROMPT && is_private)
            && !default.is_null()
        {
            // What is not shown while it is typed is not shown here.
            *default = "***".into();
        }
        let identity = take_identity(&mut data);
        let mut data = Value::Object(data);
        drop_internals(&mut data);
        self.redactor.value_with_names(&mut data, &|name| self.hosts.contains(name));
        if let Value::Object(members) = &mut data {
            let clean = |text: String| Value::String(self.clean_name(&text, true));
            members.extend(identity.into_iter().map(|(key, text)| (key, clean(text))));
        }
        self.cut_paths(&mut data);
        let stdout = self.clean_printed(&without_invocation(&event.stdout));
        let stdout = Some(stdout).filter(|text| !text.is_empty());
        let kind = match event.event.parse() {
            Ok(kind) => kind,
            Err(never) => match never {},
        };
        Draft { time: event.created.unwrap_or(now), kind, host, play, task, stdout, data }
    }

    /// Remembers hosts, those of a recap as well.
    fn see_hosts(&mut self, host: Option<&String>, data: &Map<String, Value>) {
        let recap = data.get("processed").and_then(Value::as_object).into_iter().flat_map(Map::keys);
        for host in host.into_iter().chain(recap) {
            if self.hosts.len() < MOST_HOSTS && !self.hosts.contains(host) {
                self.hosts.insert(host.clone());
            }
        }
    }

    /// The name of a play or a task. One that is used as it is written has no value in it that was not written there.
    fn clean_name(&self, name: &str, is_plain: bool) -> String {
        let clean = if is_plain {
            self.redactor.name(name)
        } else {
            self.redactor.text_with_names(name, |text| self.hosts.contains(text))
        };
        cut_path(&clean, &self.project_prefix)
    }

    /// What Ansible printed for an event. A host in brackets is the one that the line is about.
    fn clean_printed(&self, text: &str) -> String {
        let lines = unix_lines(text);
        let is_host = |before: Option<&u8>, name: &str, after: Option<&u8>| {
            before == Some(&b'[') && after == Some(&b']') && self.hosts.contains(name)
        };
        self.redactor.text_with_names_at(&lines, is_host).replace(&self.project_prefix, "")
    }

    /// Cuts the private path off in every text inside, keys excepted.
    fn cut_paths(&self, value: &mut Value) {
        match value {
            Value::String(text) if text.contains(&self.project_prefix) => {
                *text = text.replace(&self.project_prefix, "");
            }
            Value::String(_) => {}
            Value::Array(items) => items.iter_mut().for_each(|item| self.cut_paths(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.cut_paths(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// Takes out the members that identify content: names from files, and never values.
fn take_identity(data: &mut Map<String, Value>) -> Vec<(String, String)> {
    let take = |key: &&str| match data.shift_remove(*key) {
        Some(Value::String(text)) => Some(((*key).to_owned(), text)),
        _ => None,
    };
    IDENTITY.iter().filter_map(take).collect()
}

/// Without the private path; the project itself becomes `.`.
fn cut_path(text: &str, prefix: &str) -> String {
    let cut = text.replace(prefix, "");
    let project = prefix.trim_end_matches('/');
    if project.is_empty() || !cut.contains(project) { cut } else { cut.replace(project, ".") }
}

fn left_out<P: Payload>(payload: &P, bytes: u64, why: &str, now: Timestamp) -> Draft {
    let mut draft = Draft::own(now, payload);
    draft.stdout = Some(format!("[an event of {bytes} bytes {why} and is left out]"));
    draft
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

/// Removes `invocation` from a printed result, where Ansible shows it from verbosity 3 on.
///
/// A result is printed as JSON or YAML with one member per line (`callback_result_format`), so what belongs to
/// the member is what is indented deeper, and the bracket that closes it.
fn without_invocation(text: &str) -> Cow<'_, str> {
    if !text.contains("invocation") {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut inside: Option<usize> = None;
    for line in text.split_inclusive('\n') {
        let shown = plain(line);
        let content = shown.trim();
        let indentation = shown.len() - shown.trim_start().len();
        if let Some(outer) = inside {
            if content.is_empty() || indentation > outer {
                continue;
            }
            inside = None;
            if indentation == outer && matches!(content, "}" | "},") {
                continue;
            }
        }
        if content.starts_with("\"invocation\":") || content.starts_with("invocation:") {
            inside = Some(indentation);
        } else {
            kept.push_str(line);
        }
    }
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_printed_result_loses_its_invocation_and_nothing_else() {
        let red = |line: &str| format!("\u{1b}[0;31m{line}\u{1b}[0m\r\n");
        let json = [
            "fatal: [a]: FAILED! => {",
            "    \"cmd\": {",
            "        \"invocation\": {",
            "            \"x\": 1",
            "        },",
            "        \"y\": 2",
            "    },",
            "    \"invocation\": {",
            "        \"module_args\": {",
            "            \"token\": \"x\"",
            "        }",
            "    },",
            "    \"rc\": 3",
            "}",
        ]
        .map(red);
        let kept = [&json[0..2], &json[5..7], &json[12..]].concat().concat();
        assert_eq!(without_invocation(&json.concat()), kept);
        let yaml = "ok: [a] =>\n    invocation:\n        module_args:\n            text: |\n\n                x\n    rc: 0";
        assert_eq!(without_invocation(yaml), "ok: [a] =>\n    rc: 0");
    }

    #[test]
    fn text_that_only_speaks_of_an_invocation_stays() {
        for text in ["TASK [an invocation: x]\n", "the invocation\n  of it", "nothing"] {
            assert_eq!(without_invocation(text), text);
        }
    }

    #[test]
    fn an_event_that_cannot_be_read_leaves_its_size_and_nothing_else() {
        let mut translator = Translator::new(Redactor::default(), "/p/project/".into());
        let draft = translator.draft(Item::Unreadable { bytes: 7 }, Timestamp::UNIX_EPOCH);
        assert_eq!((draft.kind, draft.data), (EventKind::UNREADABLE, json!({ "bytes": 7 })));
    }

    #[test]
    fn a_private_key_on_error_output_is_hidden_over_lines_and_output_is_not() {
        let mut translator = Translator::new(Redactor::default(), "/p/project/".into());
        let lines = ["-----BEGIN RSA PRIVATE KEY-----", "MIIEow", "-----END RSA PRIVATE KEY-----", "after"];
        let mut clean = |kind, line| translator.text(kind, line, Timestamp::UNIX_EPOCH).stdout;
        let hidden = lines.map(|line| {
            assert_eq!(clean(EventKind::VERBOSE, "between").as_deref(), Some("between"));
            clean(EventKind::RUNNER_STDERR, line).expect("text")
        });
        assert_eq!(hidden, ["***", "***", "***", "after"]);
    }

    #[test]
    fn paths_of_the_private_directory_become_those_of_the_playbooks_root() {
        let translator = Translator::new(Redactor::default(), "/p/project/".into());
        let mut value = json!({"a": ["in /p/project/x.yml and /p/project/y"], "b": 1});
        translator.cut_paths(&mut value);
        assert_eq!(value, json!({"a": ["in x.yml and y"], "b": 1}));
    }
}
