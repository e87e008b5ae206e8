//! The job, events, and log as clients see them, without values that differ between runs.

use std::{collections::HashSet, sync::LazyLock};

use process::log_text;
use regex::Regex;
use serde_json::{Value, json};
use testkit::{Job, TestApp};

/// Members of results that contain a time, or identify a file or process.
const OF_ONE_RUN: &[&str] = &[
    "ansible_job_id",
    "atime",
    "ctime",
    "delta",
    "duration",
    "elapsed",
    "end",
    "end_line",
    "inode",
    "mtime",
    "parent_uuid",
    "pid",
    "start",
    "start_line",
    "started_at",
    "uuid",
];

/// What is put in the place of what differs from run to run in texts.
static PATTERNS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let patterns = [
        ("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ID"),
        (r"RUNTIME/[0-9a-f]{12}", "RUNTIME/RUN"),
        (r"ansible-tmp-[0-9.]+-\d+-\d+", "ansible-tmp"),
        (r"ansible-local-\d+[a-z0-9_]+", "ansible-local"),
        (r"tmp/ansible\.[a-z0-9_]{8}", "tmp/ansible.X"),
        (r"(tmp|ansible-local)/tmp[a-z0-9_]{8}", "$1/tmpX"),
        (r"_payload_[a-z0-9_]{8}", "_payload_X"),
        (r"j\d{6,}\.\d+", "JOB"),
        (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d([.,]\d+)?(Z|\+00:00)?", "TIME"),
        (r"\b\d+:\d\d:\d\d\.\d+", "DURATION"),
        (r#""(atime|ctime|mtime|inode|elapsed)": [0-9.]+"#, "\"$1\": N"),
        (r"\b(pid[:=]? ?|parent=)\d+", "PID"),
    ];
    patterns.map(|(pattern, by)| (Regex::new(pattern).expect("a pattern"), by)).into()
});

/// The name of a task above the first result of it.
static BANNER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\n(TASK|RUNNING HANDLER) \[.*\] \*+\n").expect("a pattern"));

/// Takes out of a text what belongs to one service and one run.
fn plain(app: &TestApp, text: &str) -> String {
    let places = [(app.home(), "HOME"), (app.runtime(), "RUNTIME")];
    let text =
        places.iter().fold(text.to_owned(), |text, (path, by)| text.replace(&*path.to_string_lossy(), by));
    PATTERNS.iter().fold(text, |text, (pattern, by)| pattern.replace_all(&text, *by).into_owned())
}

fn plain_value(app: &TestApp, value: &mut Value) {
    match value {
        Value::String(text) => *text = plain(app, text),
        Value::Array(items) => items.iter_mut().for_each(|item| plain_value(app, item)),
        Value::Object(members) => {
            members.retain(|name, _| !OF_ONE_RUN.contains(&name.as_str()));
            members.values_mut().for_each(|member| plain_value(app, member));
            members.sort_keys();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The order of hosts is random.
fn sort_hosts(whole: &mut Value) {
    let by_text = |one: &Value, other: &Value| one.to_string().cmp(&other.to_string());
    let failures = whole["failures"].as_array_mut().expect("a list");
    failures.sort_by(by_text);
    for values in whole["results"].as_object_mut().into_iter().flat_map(|results| results.values_mut()) {
        if let Some(values) = values.as_array_mut() {
            values.sort_by(by_text);
        }
    }
}

/// A line that clients see, and whether it is output that belongs to no event of Ansible.
pub(super) struct Line {
    text: String,
    is_between: bool,
}

/// All that clients can see of an ended job: one line for the job, for each event, and for each line of its log.
///
/// With several hosts in parallel the order is random, so the lines are sorted.
pub(super) async fn visible(app: &TestApp, job: &Job, sorted: bool) -> Vec<Line> {
    let mut whole = json!({
        "state": job["state"], "code": job["reason"]["code"], "message": job["reason"]["message"],
        "rc": job["rc"], "stats": job["stats"], "failures": job["failures"],
        "has_killed": job["processes_killed"] != 0, "results": job.results().await,
    });
    if sorted {
        sort_hosts(&mut whole);
    }
    plain_value(app, &mut whole);
    let mut lines = vec![Line { text: whole.to_string(), is_between: false }];
    let mut between = HashSet::new();
    for event in job.events().await {
        let stdout = event["stdout"].as_str().map(|text| plain(app, text));
        let stdout = stdout.map(|text| if sorted { BANNER.replace(&text, "").into_owned() } else { text });
        let is_between = event["kind"] == "verbose" && event["data"] == json!({});
        if is_between {
            between.extend(stdout.iter().flat_map(|text| text.lines()).map(log_text::plain));
        }
        let mut line = json!({
            "kind": event["kind"], "host": event["host"], "play": event["play"], "task": event["task"],
            "stdout": stdout, "data": event["data"],
        });
        // The same lines as in the log, as many as there is room for: which ones, is chance too.
        let reason = line.pointer_mut("/data/reason").and_then(Value::as_object_mut);
        if let Some(reason) = reason.filter(|_| sorted) {
            reason.remove("last_lines");
        }
        plain_value(app, &mut line);
        lines.push(Line { text: line.to_string(), is_between });
    }
    let log = plain(app, &job.log().await);
    // Which host's result comes first, and so below the name of its task, is chance.
    let log = log.lines().filter(|line| !(sorted && (line.is_empty() || line.starts_with("TASK ["))));
    lines.extend(log.map(|line| Line { text: format!("log: {line}"), is_between: between.contains(line) }));
    if sorted {
        lines.sort_by(|one, other| one.text.cmp(&other.text));
    }
    lines
}

/// Printed at verbosity 4 by the process that imports a part of Ansible first, and by Ansible when it loads Rangehand's own
/// callback; a warm run has both imported.
const LOADING: [&str; 2] = ["Loading collection ansible.builtin from ", "rangehand_details"];

/// The lines in which two differ; empty when there is none.
///
/// Of several lines that are printed between two events at once ansible-runner keeps only the last one, or all, depending
/// on how they come to it through the terminal. So it may lack such lines.
pub(super) fn differences(runner: &[Line], warm: &[Line]) -> Vec<String> {
    let is_compared = |line: &&Line| !LOADING.iter().any(|loading| line.text.contains(loading));
    let (runner, warm): (Vec<_>, Vec<_>) =
        (runner.iter().filter(is_compared).collect(), warm.iter().filter(is_compared).collect());
    let mut found = Vec::new();
    let mut at = 0;
    for (place, line) in warm.iter().enumerate() {
        let is_later = |missing: &Line| warm[place..].iter().any(|line| line.text == missing.text);
        while let Some(missing) = runner.get(at).filter(|missing| !is_later(missing)) {
            found.push(format!("- {}", shortened(&missing.text)));
            at += 1;
        }
        if runner.get(at).is_some_and(|other| other.text == line.text) {
            at += 1;
        } else if !line.is_between {
            found.push(format!("+ {}", shortened(&line.text)));
        }
    }
    found.extend(runner[at..].iter().map(|line| format!("- {}", shortened(&line.text))));
    found
}

fn shortened(line: &str) -> String {
    line.chars().take(3000).collect()
}
