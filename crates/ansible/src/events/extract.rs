//! Builds the report of a run from its events.
//!
//! Results come from `runner_on_ok` of debug tasks only: `set_fact` events contain partial lists while a loop
//! builds them up. A variable that is printed twice (a role included in a loop) has two values.

use std::collections::{BTreeMap, HashMap, VecDeque};

use model::{Counted, CustomStats, Draft, Failure, HostStats, Report};
use serde_json::{Map, Value};

use crate::events::{
    complaints::Complaints,
    failure_text, shown,
    work::{Watch, Work},
};

/// How many failed tasks are remembered until the recap shows which of them were final.
const MAX_FAILED: usize = 4000;

/// Collects the report while the events pass by.
#[derive(Debug)]
pub struct Extractor {
    report: Report,
    /// One entry per failed task and host; the last ones.
    failed: VecDeque<Failed>,
    /// How many were dropped to keep memory within bounds.
    failed_dropped: u64,
    saw_recap: bool,
    /// By host, how many of its first failures were cleared.
    cleared: HashMap<String, u64>,
    work: Watch,
    complaints: Complaints,
    bytes_left: usize,
}

/// A task that failed on a host.
#[derive(Debug)]
struct Failed {
    /// Whether Ansible counts it, if the event contains that.
    is_counted: Option<bool>,
    /// One for each failed item of a loop.
    failures: Vec<Failure>,
}

/// What the events of a run amount to.
#[derive(Debug)]
pub struct Findings {
    /// The report.
    pub report: Report,
    /// Which failure ended it: the first one that the playbook did not clear.
    pub blamed: Option<usize>,
    /// What was done.
    pub work: Work,
    /// Errors that Ansible printed outside of tasks, and patterns that matched no host.
    pub complaints: Vec<String>,
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
            cleared: HashMap::new(),
            work: Watch::default(),
            complaints: Complaints::default(),
            bytes_left: result_bytes,
        }
    }

    /// Reads the next event.
    pub fn take(&mut self, event: &Draft) {
        self.work.take(event);
        self.complaints.take(event);
        match event.kind.as_str() {
            "runner_on_ok" if shown::is_debug(&event.data) => self.take_result(&event.data),
            "runner_on_failed" | "runner_on_unreachable" if event.is_failed() => self.take_failure(event),
            "oversized_event" | "unreadable_event" => self.report.results_omitted += 1,
            "playbook_on_stats" => self.take_recap(&event.data),
            _ => {}
        }
    }

    fn take_recap(&mut self, data: &Value) {
        self.saw_recap = true;
        self.report.stats = stats(data);
        let cleared = data.get("errors_cleared").and_then(Value::as_object).into_iter().flatten();
        self.cleared = cleared.filter_map(|(host, count)| Some((host.clone(), count.as_u64()?))).collect();
        let members = |name: &str| data.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
        let custom = CustomStats { run: members("artifact_data"), hosts: members("custom_per_host") };
        if custom.is_empty() {
            return;
        }
        let size = serde_json::to_string(&custom).map_or(usize::MAX, |text| text.len());
        if size > self.bytes_left {
            self.report.results_omitted += 1;
        } else {
            self.bytes_left -= size;
            self.report.custom_stats = custom;
        }
    }

    /// What the events amount to, as far as they went.
    #[must_use]
    pub fn finish(mut self) -> Findings {
        let work = self.work.work(self.report.stats.values());
        if self.saw_recap {
            self.drop_rescued();
        }
        let is_cleared = self.cleared_groups();
        let blamed = is_cleared.iter().position(|is_cleared| !is_cleared).unwrap_or(0);
        let before = self.failed.iter().take(blamed).map(|failed| failed.failures.len()).sum();
        let mut failures: Vec<Failure> = self.failed.into_iter().flat_map(|failed| failed.failures).collect();
        let left_out = failures.len().saturating_sub(Report::MAX_FAILURES) as u64;
        self.report.failures_omitted = left_out + self.failed_dropped;
        failures.truncate(Report::MAX_FAILURES);
        let last = failures.len().checked_sub(1);
        self.report.failures = failures;
        Findings {
            report: self.report,
            blamed: last.map(|last| last.min(before)),
            work,
            complaints: self.complaints.finish(),
        }
    }

    fn cleared_groups(&self) -> Vec<bool> {
        let mut left = self.cleared.clone();
        let is_cleared = |failed: &Failed| {
            let host = failed.failures.first().map(|failure| failure.host.as_str()).unwrap_or_default();
            left.get_mut(host).filter(|left| **left > 0).map(|left| *left -= 1).is_some()
        };
        self.failed.iter().map(is_cleared).collect()
    }

    /// Keeps the failures that Ansible counted as such. If the events don't contain that, the recap's counts decide: of a
    /// host's failures the last ones are kept, as many as were counted.
    fn drop_rescued(&mut self) {
        let count = |stats: &HostStats| stats.failed + stats.unreachable;
        let mut left: HashMap<String, u64> =
            self.report.stats.iter().map(|(host, stats)| (host.clone(), count(stats))).collect();
        let mut kept: VecDeque<Failed> = VecDeque::new();
        for failed in self.failed.drain(..).rev() {
            let host = failed.failures.first().map(|failure| failure.host.as_str()).unwrap_or_default();
            let final_ones = left.get_mut(host).filter(|count| **count > 0);
            let is_kept = failed.is_counted.unwrap_or(final_ones.is_some());
            if let Some(final_ones) = final_ones.filter(|_| is_kept) {
                *final_ones -= 1;
            }
            if is_kept {
                kept.push_front(failed);
            }
        }
        self.failed = kept;
    }

    fn take_result(&mut self, data: &Value) {
        let values = shown::values(data);
        if values.is_none() {
            // ansible-runner drops results that are larger than its limit.
            self.report.results_omitted += 1;
        }
        for (key, value) in values.into_iter().flatten() {
            let size = value.to_string().len();
            if size > self.bytes_left {
                self.report.results_omitted += 1;
                continue;
            }
            self.bytes_left -= size;
            let values = self.report.results.entry(key.clone()).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(values) = values {
                values.push(value.clone());
            }
        }
    }

    fn take_failure(&mut self, event: &Draft) {
        let is_counted =
            event.counted_as().map(|counted| matches!(counted, Counted::Failed | Counted::Unreachable));
        if is_counted == Some(false) {
            return;
        }
        let empty = Map::new();
        let result = event.data.get("res").and_then(Value::as_object).unwrap_or(&empty);
        let items = result.get("results").and_then(Value::as_array).into_iter().flatten();
        let items = items.filter_map(Value::as_object).filter(|item| failure_text::is_failed(item));
        let mut failures: Vec<Failure> =
            items.map(|item| failure(event, failure_text::item(item), item)).collect();
        if failures.is_empty() {
            failures.push(failure(event, failure_text::item_of_include(result), result));
        }
        if self.failed.len() == MAX_FAILED {
            self.failed.pop_front();
            self.failed_dropped += 1;
        }
        self.failed.push_back(Failed { is_counted, failures });
    }
}

fn failure(event: &Draft, item: Option<String>, result: &Map<String, Value>) -> Failure {
    Failure {
        host: event.host.clone().unwrap_or_default(),
        play: event.play.clone(),
        task: event.task.clone(),
        action: event.data.get("task_action").and_then(Value::as_str).map(str::to_owned),
        unreachable: event.kind.as_str() == "runner_on_unreachable",
        item,
        message: failure_text::message(result),
    }
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
    use crate::events::{
        event::Translator,
        stream::{Line, parse},
    };

    /// A whole run of `vm_list`, recorded from a real ansible-runner with a made-up host and token.
    const VM_LIST: &str = include_str!("../../../../tests/fixtures/events/vm_list.events.jsonl");

    fn drafts(recording: &str, ident: &str) -> Vec<Draft> {
        let mut translator = Translator::new(Redactor::default(), "/srv/run/exp/pdd/project/".into());
        let read =
            |line: &str| translator.draft(parse(Line::Whole(line.into()), ident), Timestamp::UNIX_EPOCH);
        recording.lines().map(read).collect()
    }

    fn findings(events: &[Draft]) -> Findings {
        let mut extractor = Extractor::new(1 << 20);
        events.iter().for_each(|event| extractor.take(event));
        extractor.finish()
    }

    fn report(events: &[Draft]) -> Report {
        findings(events).report
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
    fn the_failure_that_ansible_counts_is_blamed_and_one_that_was_cleared_is_not() {
        let failed = |task: &str, counted: &str| {
            event("runner_on_failed", "a", task, json!({"res": {"msg": "no"}, "counted_as": counted}))
        };
        let recap = |cleared: u64| {
            let counts =
                json!({"processed": {"a": 1}, "failures": {"a": 2}, "errors_cleared": {"a": cleared}});
            event("playbook_on_stats", "", "", counts)
        };
        let events = [failed("one", "failed"), failed("two", "rescued"), failed("three", "failed")];
        for (cleared, blamed) in [(0, "one"), (1, "three"), (2, "one")] {
            let events = [&events[..], &[recap(cleared)]].concat();
            let findings = findings(&events);
            let tasks: Vec<_> = findings.report.failures.iter().flat_map(|failure| &failure.task).collect();
            assert_eq!(tasks, ["one", "three"]);
            assert_eq!(tasks[findings.blamed.expect("one is blamed")], blamed, "{cleared} cleared");
        }
    }

    #[test]
    fn statistics_of_the_run_and_of_hosts_are_kept() {
        let recap = json!({"processed": {"a": 1}, "ok": {"a": 1}, "artifact_data": {"n": 1}, "custom_per_host": {"a": {"m": 2}}});
        let custom = report(&[event("playbook_on_stats", "", "", recap)]).custom_stats;
        assert_eq!(json!(custom), json!({"run": {"n": 1}, "hosts": {"a": {"m": 2}}}));
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
        let report = extractor.finish().report;
        assert_eq!(report.results, *json!({"x": ["1234"]}).as_object().expect("an object"));
        assert_eq!(report.results_omitted, 1);
    }
}
