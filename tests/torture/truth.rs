//! What runs really did, from the journal they wrote, against what their jobs say.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
};

use serde_json::{Value, json};

use crate::{
    app::{TestApp, until},
    fake,
};

/// How many events of its own a run of the fake runner prints.
const COUNT: u64 = 10;

/// A job that was asked for.
pub(crate) struct Asked {
    pub(crate) job: Value,
    name: String,
    /// With the real ansible-runner: then its playbook makes ten marks in a file of its own.
    is_real: bool,
}

/// What a run wrote of itself.
#[derive(Default)]
struct Done {
    begun: Vec<String>,
    ended: Vec<(String, String)>,
}

impl Asked {
    /// Asks for a run of the fake runner.
    pub(crate) async fn fake(app: &TestApp, number: usize, seconds: f64, fail: bool) -> Self {
        let name = format!("job-{number}");
        let journal = app.home().join("journal");
        let request = fake::request(&json!({
            "mode": "marks", "journal": journal, "name": name, "count": COUNT, "seconds": seconds, "fail": fail,
        }));
        Self { job: app.post("/v1/jobs", &request, 202).await, name, is_real: false }
    }

    /// Asks for a run of the real one.
    pub(crate) async fn real(app: &TestApp, number: usize) -> Self {
        let name = format!("job-{number}");
        // The gate is open: the directory is there.
        let variables = json!({
            "mode": "real", "bin": crate::app::bin_dir(), "journal": app.home().join("journal"), "name": name,
            "gate": app.home(), "marks": app.home().join(&name),
        });
        let request = json!({"bundle": "marks", "limit": "localhost", "extra_vars": variables});
        Self { job: app.post("/v1/jobs", &request, 202).await, name, is_real: true }
    }

    /// Waits for its end and shows that it is the true one; gives the state.
    ///
    /// Lost may only be a run whose supervisor is among the `killed`, or one that never began.
    async fn assert_true(&self, app: &TestApp, done: &Done, killed: &HashSet<String>) -> String {
        let job = self.ended(app).await;
        let events = app.events(&job).await;
        assert_numbered(&job, &events);
        let state = job["state"].as_str().expect("a state");
        assert_eq!(states(&events), ["queued", "running", state], "{job:#}");
        let context = || format!("{}: began {:?}, ended {:?}: {job:#}", self.name, done.begun, done.ended);
        assert!(done.begun.len() <= 1 && done.ended.len() <= 1, "it ran more than once: {}", context());
        match (state, job["reason"]["code"].as_str().expect("a code")) {
            ("succeeded", "succeeded") => {
                assert!(self.did_everything(app, done, "0"), "it did not succeed: {}", context());
                self.assert_told(&events);
            }
            ("failed", "task_failed") => {
                assert!(self.did_everything(app, done, "2"), "it did not fail: {}", context());
                self.assert_told(&events);
            }
            ("lost", "supervisor_gone") => {
                let is_killed = done.begun.iter().all(|run| killed.contains(run));
                assert!(is_killed, "nobody killed its supervisor: {}", context());
            }
            _ => panic!("a false end: {}\n{}", context(), app.log()),
        }
        state.to_owned()
    }

    async fn ended(&self, app: &TestApp) -> Value {
        let id = self.job["id"].as_str().expect("a job has an id");
        app.get(&format!("/v1/jobs/{id}?wait=60"), 200).await
    }

    fn did_everything(&self, app: &TestApp, done: &Done, code: &str) -> bool {
        if self.is_real {
            let marks = fs::read_to_string(app.home().join(&self.name)).unwrap_or_default();
            return code == "0" && marks.lines().count() == 10;
        }
        done.ended.iter().all(|(run, ended)| done.begun.contains(run) && ended == code)
            && done.ended.len() == 1
    }

    /// Each event that the run printed is there once, in order.
    fn assert_told(&self, events: &[Value]) {
        let kind = if self.is_real { "runner_item_on_ok" } else { "runner_on_ok" };
        let found: Vec<_> = events.iter().filter(|event| event["kind"] == kind).collect();
        let numbers: Vec<_> = found
            .iter()
            .map(|event| &event["data"]["res"][if self.is_real { "item" } else { "number" }])
            .filter_map(Value::as_u64)
            .collect();
        assert_eq!(numbers, (1..=COUNT).collect::<Vec<_>>(), "{}", self.name);
    }
}

/// Shows that the numbers are 1, 2, 3 and so on, as many as the job says.
pub(crate) fn assert_numbered(job: &Value, events: &[Value]) {
    let numbers: Vec<_> = events.iter().filter_map(|event| event["seq"].as_u64()).collect();
    assert_eq!(numbers, (1..=events.len() as u64).collect::<Vec<_>>(), "{job:#}");
    assert_eq!(job["events"], json!(events.len()), "{job:#}");
}

/// The states that a job went through.
pub(crate) fn states(events: &[Value]) -> Vec<&str> {
    let moves = events.iter().filter(|event| event["kind"] == "job_state");
    moves.filter_map(|event| event["data"]["to"].as_str()).collect()
}

/// Shows that all jobs ended truly and nothing is left; gives how many ended in which state.
pub(crate) async fn assert_all(
    app: &TestApp,
    jobs: &[Asked],
    killed: &HashSet<String>,
) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for asked in jobs {
        asked.ended(app).await;
    }
    let journal = journal(app);
    for asked in jobs {
        let done = journal.get(&asked.name);
        let state = asked.assert_true(app, done.unwrap_or(&Done::default()), killed).await;
        *counts.entry(state).or_default() += 1;
    }
    until("the directories of runs are gone", || app.run_directories().is_empty()).await;
    until("the secrets of runs are gone", || app.secret_directories().is_empty()).await;
    until("the processes of runs are gone", || processes_of_runs(app).is_empty()).await;
    counts
}

fn journal(app: &TestApp) -> BTreeMap<String, Done> {
    let text = fs::read_to_string(app.home().join("journal")).unwrap_or_default();
    let mut journal: BTreeMap<String, Done> = BTreeMap::new();
    for line in text.lines() {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["begin", name, run] => journal.entry(name.to_owned()).or_default().begun.push(run.to_owned()),
            ["end", name, run, code] => {
                journal.entry(name.to_owned()).or_default().ended.push((run.to_owned(), code.to_owned()));
            }
            _ => panic!("what is this in the journal: {line}"),
        }
    }
    journal
}

/// Processes that carry the marker of a run of this service: its temporary directory stands in their environment.
fn processes_of_runs(app: &TestApp) -> Vec<std::path::PathBuf> {
    let ours = app.runtime().to_string_lossy().into_owned();
    let is_of_run = |process: &std::path::PathBuf| {
        let environment = fs::read(process.join("environ")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains("RANGEHAND_RUN=")
    };
    crate::app::processes_with_environment(&ours).into_iter().filter(is_of_run).collect()
}
