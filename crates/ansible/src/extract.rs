//! From the events of a run to its report.
//!
//! Results come from `runner_on_ok` of debug tasks only: `set_fact` events carry partial lists while a loop
//! builds them up. The same variable printed twice (a role included in a loop) gives two values.

use std::collections::{BTreeMap, HashMap, VecDeque};

use model::{Draft, Failure, HostStats, Report};
use serde_json::{Map, Value};

/// How much of a module's error output a failure shows, in lines.
const ERROR_LINES: usize = 5;
/// How many failed tasks are remembered until the recap tells which of them were final.
const MAX_FAILED: usize = 4000;
/// How long one failure's message may be, in bytes.
const MESSAGE_BYTES: usize = 4096;

/// Collects the report while the events pass by.
#[derive(Debug)]
pub struct Extractor {
    report: Report,
    /// One entry per failed task and host, with one failure per failed loop item; the last ones.
    failed: VecDeque<Vec<Failure>>,
    /// How many were dropped to keep memory within bounds.
    failed_dropped: u64,
    saw_recap: bool,
    saw_no_hosts: bool,
    result_bytes_left: usize,
}

impl Extractor {
    /// Keeps results of at most `result_bytes` bytes of JSON.
    #[must_use]
    pub fn new(result_bytes: usize) -> Self {
        Self {
            report: Report::default(),
            failed: VecDeque::new(),
            failed_dropped: 0,
            saw_recap: false,
            saw_no_hosts: false,
            result_bytes_left: result_bytes,
        }
    }

    /// Looks at the next event.
    pub fn take(&mut self, event: &Draft) {
        match event.kind.as_str() {
            "runner_on_ok" if is_debug(&event.data) => self.take_result(&event.data),
            "runner_on_failed" if event.data.get("ignore_errors") != Some(&Value::Bool(true)) => {
                self.take_failure(event, false);
            }
            "runner_on_unreachable" => self.take_failure(event, true),
            "oversized_event" | "unreadable_event" => self.report.results_left_out += 1,
            "playbook_on_no_hosts_matched" => self.saw_no_hosts = true,
            "playbook_on_stats" => {
                self.saw_recap = true;
                self.report.stats = stats(&event.data);
            }
            _ => {}
        }
    }

    /// Did a play find no host, and no other play any?
    #[must_use]
    pub fn no_host_was_touched(&self) -> bool {
        self.saw_recap && self.saw_no_hosts && self.report.stats.is_empty()
    }

    /// The report as far as the events went.
    #[must_use]
    pub fn finish(mut self) -> Report {
        if self.saw_recap {
            self.drop_rescued();
        }
        let mut failures: Vec<Failure> = self.failed.into_iter().flatten().collect();
        let left_out = failures.len().saturating_sub(Report::MAX_FAILURES) as u64;
        self.report.failures_left_out = left_out + self.failed_dropped;
        failures.truncate(Report::MAX_FAILURES);
        self.report.failures = failures;
        self.report
    }

    /// Ansible does not mark a failure as rescued, but it counts: of a host's failures only the last ones, as
    /// many as the recap says, were final.
    fn drop_rescued(&mut self) {
        let count = |stats: &HostStats| stats.failed + stats.unreachable;
        let mut left: HashMap<String, u64> =
            self.report.stats.iter().map(|(host, stats)| (host.clone(), count(stats))).collect();
        let mut kept: VecDeque<Vec<Failure>> = VecDeque::new();
        for group in self.failed.drain(..).rev() {
            let final_ones = group.first().and_then(|failure| left.get_mut(&failure.host));
            if let Some(final_ones) = final_ones.filter(|count| **count > 0) {
                *final_ones -= 1;
                kept.push_front(group);
            }
        }
        self.failed = kept;
    }

    fn take_result(&mut self, data: &Value) {
        let Some(Value::Object(result)) = data.get("res") else { return };
        if let Some(Value::Array(turns)) = result.get("results") {
            // A loop: each turn is a result of its own.
            turns.iter().filter_map(Value::as_object).for_each(|turn| self.take_values(turn));
        } else if result.is_empty() {
            // ansible-runner drops results that are larger than its limit.
            self.report.results_left_out += 1;
        } else {
            self.take_values(result);
        }
    }

    fn take_values(&mut self, result: &Map<String, Value>) {
        for (key, value) in result.iter().filter(|(key, _)| is_result_key(key)) {
            let size = value.to_string().len();
            if size > self.result_bytes_left {
                self.report.results_left_out += 1;
                continue;
            }
            self.result_bytes_left -= size;
            let values = self.report.results.entry(key.clone()).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(values) = values {
                values.push(value.clone());
            }
        }
    }

    fn take_failure(&mut self, event: &Draft, unreachable: bool) {
        let empty = Map::new();
        let result = event.data.get("res").and_then(Value::as_object).unwrap_or(&empty);
        let items = result.get("results").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let failed = |item: &&Value| item.get("failed") == Some(&Value::Bool(true));
        let of_item = |item: &Value| {
            let label =
                item.get("item").map(|label| label.as_str().map_or_else(|| label.to_string(), str::to_owned));
            failure(event, unreachable, label, item.as_object().unwrap_or(&empty))
        };
        let mut group: Vec<Failure> = items.iter().filter(failed).map(of_item).collect();
        if group.is_empty() {
            group.push(failure(event, unreachable, None, result));
        }
        if self.failed.len() == MAX_FAILED {
            self.failed.pop_front();
            self.failed_dropped += 1;
        }
        self.failed.push_back(group);
    }
}

fn failure(event: &Draft, unreachable: bool, item: Option<String>, result: &Map<String, Value>) -> Failure {
    Failure {
        host: event.host.clone().unwrap_or_default(),
        play: event.play.clone(),
        task: event.task.clone(),
        action: event.data.get("task_action").and_then(Value::as_str).map(str::to_owned),
        unreachable,
        item,
        message: message(result),
    }
}

/// What the module said, with the end of its error output.
fn message(result: &Map<String, Value>) -> String {
    let text =
        |key: &str| result.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    if let Some(hidden) = text("censored") {
        return hidden.to_owned();
    }
    let said = result.get("msg").map_or_else(String::new, |msg| match msg {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    let errors = ["stderr", "module_stderr", "module_stdout"].iter().find_map(|key| text(key));
    let mut message = match errors {
        Some(errors) => format!("{said}: {}", last_lines(errors)),
        None => said,
    };
    if message.len() > MESSAGE_BYTES {
        let end = message.floor_char_boundary(MESSAGE_BYTES);
        message.truncate(end);
        message.push_str(" ...");
    }
    message
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(ERROR_LINES)..].join("\n")
}

fn is_debug(data: &Value) -> bool {
    let action = data.get("resolved_action").and_then(Value::as_str);
    let action = action.or_else(|| data.get("task_action").and_then(Value::as_str));
    matches!(action, Some("debug" | "ansible.builtin.debug" | "ansible.legacy.debug"))
}

/// Keys that a debug task has besides the variable it prints. `msg` is a text for people, not a result.
fn is_result_key(key: &str) -> bool {
    !matches!(
        key,
        "ansible_loop"
            | "ansible_loop_var"
            | "ansible_index_var"
            | "attempts"
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
            | "warnings"
    )
}

fn stats(data: &Value) -> BTreeMap<String, HostStats> {
    let count = |column: &str, host: &str| {
        data.get(column).and_then(|counts| counts.get(host)).and_then(Value::as_u64).unwrap_or(0)
    };
    let hosts = data.get("processed").and_then(Value::as_object);
    let row = |host: &String| HostStats {
        ok: count("ok", host),
        changed: count("changed", host),
        unreachable: count("dark", host),
        failed: count("failures", host),
        skipped: count("skipped", host),
        rescued: count("rescued", host),
        ignored: count("ignored", host),
    };
    hosts.into_iter().flatten().map(|(host, _)| (host.clone(), row(host))).collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use model::Redactor;
    use serde_json::json;

    use super::*;
    use crate::{
        event::Translator,
        stream::{Line, parse},
    };

    /// A whole run of `vm_list`, recorded from a real ansible-runner with a made-up host and token.
    const VM_LIST: &str = include_str!("../../../tests/fixtures/events/vm_list.events.jsonl");

    fn drafts(recording: &str, ident: &str) -> Vec<Draft> {
        let mut translator = Translator::new(Redactor::default(), "/srv/run/exp/pdd/project/".into());
        let read =
            |line: &str| translator.draft(parse(Line::Whole(line.into()), ident), Timestamp::UNIX_EPOCH);
        recording.lines().map(read).collect()
    }

    fn report(events: &[Draft]) -> Report {
        let mut extractor = Extractor::new(1 << 20);
        events.iter().for_each(|event| extractor.take(event));
        extractor.finish()
    }

    #[test]
    fn a_recorded_vm_list_gives_its_machines_once() {
        let events = drafts(VM_LIST, "vm_list");
        assert_eq!(events.len(), 208);
        let report = report(&events);
        let lists = report.results["vm_list"].as_array().expect("a list of values");
        assert_eq!(lists.len(), 1);
        let ids: Vec<_> =
            lists[0].as_array().expect("machines").iter().map(|vm| vm["vm_id"].clone()).collect();
        assert_eq!(ids, [json!(100), json!(9221)]);
        assert_eq!(report.stats["px-testing"].ok, 6);
        assert_eq!(report.stats["px-testing"].skipped, 61);
        assert!(report.failures.is_empty());
    }

    #[test]
    fn a_recorded_vm_list_keeps_no_secret_and_no_path() {
        assert!(VM_LIST.contains("PVEAPIToken="), "the recording has a token to find");
        let kept = serde_json::to_string(&drafts(VM_LIST, "vm_list")).expect("events are JSON");
        for gone in ["invocation", "PVEAPIToken", "_ansible_", "/srv/run/exp/pdd"] {
            assert!(!kept.contains(gone), "{gone}");
        }
    }

    fn event(kind: &str, host: &str, task: &str, data: Value) -> Draft {
        let kind = kind.parse().expect("any text is a kind");
        let mut draft = Draft::new(Timestamp::UNIX_EPOCH, kind, data);
        (draft.host, draft.task) = (Some(host.into()), Some(task.into()));
        draft
    }

    #[test]
    fn ignored_and_rescued_failures_are_no_failures() {
        let recap = json!({"processed": {"a": 1, "b": 1}, "failures": {"a": 1}, "rescued": {"a": 1, "b": 1}});
        let failed = |host, task| {
            event("runner_on_failed", host, task, json!({"res": {"msg": "no", "stderr": "x\n"}}))
        };
        let mut ignored = failed("a", "ignored");
        ignored.data["ignore_errors"] = json!(true);
        let events = [
            failed("a", "rescued"),
            ignored,
            failed("b", "rescued"),
            failed("a", "final"),
            event("playbook_on_stats", "", "", recap),
        ];
        let failures = report(&events).failures;
        assert_eq!(failures.len(), 1);
        assert_eq!((failures[0].host.as_str(), failures[0].message.as_str()), ("a", "no: x"));
        assert_eq!(failures[0].task.as_deref(), Some("final"));
    }

    #[test]
    fn a_failed_loop_names_each_failed_item() {
        let results = json!([{"item": 1, "failed": false}, {"item": {"n": 2}, "failed": true, "msg": "two"}]);
        let data = json!({"res": {"msg": "One or more items failed", "results": results}});
        let failures = report(&[event("runner_on_failed", "a", "loop", data)]).failures;
        assert_eq!(failures.len(), 1);
        assert_eq!((failures[0].item.as_deref(), failures[0].message.as_str()), (Some(r#"{"n":2}"#), "two"));
    }

    #[test]
    fn a_looped_debug_gives_one_value_per_turn() {
        let turn = |n: u64| json!({"x": n, "item": n, "ansible_loop_var": "item", "changed": false});
        let data = json!({"task_action": "debug", "res": {"results": [turn(1), turn(2)], "changed": false}});
        let report = report(&[event("runner_on_ok", "a", "loop", data)]);
        assert_eq!(report.results, *json!({"x": [1, 2]}).as_object().expect("an object"));
    }

    #[test]
    fn results_stop_growing_at_their_limit_and_say_so() {
        let mut extractor = Extractor::new(10);
        let printed = |value: &str| {
            event("runner_on_ok", "a", "d", json!({"task_action": "debug", "res": {"x": value}}))
        };
        extractor.take(&printed("1234"));
        extractor.take(&printed("123456789"));
        let report = extractor.finish();
        assert_eq!(report.results, *json!({"x": ["1234"]}).as_object().expect("an object"));
        assert_eq!(report.results_left_out, 1);
    }
}
