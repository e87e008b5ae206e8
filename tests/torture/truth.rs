//! What runs really did, from the journal that they wrote, compared with their jobs.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
};

use serde_json::{Value, json};
use testkit::{Job, TestApp, until};

use crate::fake;

/// The number of events that a run of the fake runner prints.
const COUNT: u64 = 10;

/// A submitted job.
pub(crate) struct SubmittedJob {
    pub(crate) job: Job,
    name: String,
    /// A playbook of Ansible, as the service runs it by default; otherwise the fake runner.
    is_real: bool,
}

/// The names of jobs whose runs were hit by a kill, and the ids of those runs.
#[derive(Default)]
pub(crate) struct Hit {
    /// Their supervisors were killed when Ansible could have been executed.
    pub(crate) supervisors: HashSet<String>,
    /// What ran Ansible was killed.
    pub(crate) children: HashSet<String>,
}

/// How jobs ended, and how often one went back to the queue because its run never began.
#[derive(Default)]
pub(crate) struct Ends {
    pub(crate) states: BTreeMap<String, usize>,
    pub(crate) requeued: usize,
}

/// What a run wrote of itself.
#[derive(Default)]
struct Done {
    begun: Vec<String>,
    ended: Vec<(String, String)>,
}

impl SubmittedJob {
    /// Submits a run of the fake runner.
    pub(crate) async fn fake(app: &TestApp, number: usize, seconds: f64, fail: bool) -> Self {
        let name = format!("job-{number}");
        let journal = app.home().join("journal");
        let request = fake::request(&json!({
            "mode": "marks", "journal": journal, "name": name, "count": COUNT, "seconds": seconds, "fail": fail,
        }));
        Self { job: app.submit(&request).await, name, is_real: false }
    }

    /// Submits a run of Ansible.
    pub(crate) async fn real(app: &TestApp, number: usize, seconds: f64, fail: bool) -> Self {
        let name = format!("job-{number}");
        let journal = app.home().join("journal");
        let variables =
            json!({"journal": journal, "name": name, "count": COUNT, "seconds": seconds, "fail": fail});
        let request = json!({"bundle": "journal", "limit": "localhost", "extra_vars": variables});
        Self { job: app.submit(&request).await, name, is_real: true }
    }

    /// Waits for its end and shows that it is the true one. Returns the state, and how often the job was queued again.
    ///
    /// Lost may only be a run whose supervisor was killed when it had begun: one that never began is queued again.
    async fn assert_true(&self, app: &TestApp, done: &Done, hit: &Hit) -> (String, usize) {
        let job = self.job.wait().await;
        let events = job.events().await;
        assert_numbered(&job, &events);
        let state = job["state"].as_str().expect("a state");
        let context = || format!("{}: began {:?}, ended {:?}: {job:#}", self.name, done.begun, done.ended);
        let requeued = assert_states(&events, state, context);
        assert_eq!(job["attempt"], 1, "{}", context());
        let child_was_killed = hit.children.contains(&self.name);
        assert!(done.begun.len() <= 1 && done.ended.len() <= 1, "it ran more than once: {}", context());
        match (state, job["reason"]["code"].as_str().expect("a code")) {
            ("succeeded", "succeeded") => {
                assert!(Self::did_everything(done, "0"), "it did not succeed: {}", context());
                self.assert_recorded(&events);
            }
            ("failed", "task_failed") if !child_was_killed => {
                assert!(Self::did_everything(done, "2"), "it did not fail: {}", context());
                self.assert_recorded(&events);
            }
            ("lost", "supervisor_gone") => {
                let is_hit =
                    done.begun.iter().chain([&self.name]).any(|known| hit.supervisors.contains(known));
                assert!(
                    is_hit,
                    "no supervisor of it was killed after it began: {}\n{}",
                    context(),
                    app.log()
                );
            }
            // With any output of Ansible before it was killed.
            ("failed", _) if child_was_killed => {}
            _ => panic!("a false end: {}\n{}", context(), app.log()),
        }
        (state.to_owned(), requeued)
    }

    fn did_everything(done: &Done, code: &str) -> bool {
        done.ended.iter().all(|(run, ended)| done.begun.contains(run) && ended == code)
            && done.ended.len() == 1
    }

    /// Asserts that each event that the run printed exists once, in order.
    fn assert_recorded(&self, events: &[Value]) {
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

/// Asserts that the numbers are 1, 2, 3, and so on, as many as the job has.
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

/// Asserts that a job was queued, ran, and ended, and that it was queued again only because one of its runs never began.
/// Returns how often.
fn assert_states(events: &[Value], end: &str, context: impl Fn() -> String) -> usize {
    let found = states(events);
    let requeued = found.len().saturating_sub(3) / 2;
    let mut expected = ["queued", "running"].repeat(requeued + 1);
    expected.push(end);
    assert_eq!(found, expected, "{}", context());
    let moves = events.iter().filter(|event| event["kind"] == "job_state" && event["data"]["to"] == "queued");
    for event in moves.skip(1) {
        assert_eq!(event["data"]["reason"]["code"], "requeued_never_began", "{}", context());
    }
    requeued
}

/// Shows that all jobs ended truly and nothing is left. Returns how many ended in which state.
pub(crate) async fn assert_all(app: &TestApp, jobs: &[SubmittedJob], hit: &Hit) -> Ends {
    let mut ends = Ends::default();
    for submitted in jobs {
        submitted.job.wait().await;
    }
    let journal = journal(app);
    for submitted in jobs {
        let done = journal.get(&submitted.name);
        let (state, requeued) = submitted.assert_true(app, done.unwrap_or(&Done::default()), hit).await;
        *ends.states.entry(state).or_default() += 1;
        ends.requeued += requeued;
    }
    until("the directories of runs are deleted", || app.run_directories().is_empty()).await;
    until("the secrets of runs are deleted", || app.secret_directories().is_empty()).await;
    until("the processes of runs have exited", || processes_of_runs(app).is_empty()).await;
    ends
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

/// Processes with the marker of a run of this service: its temporary directory is in their environment.
fn processes_of_runs(app: &TestApp) -> Vec<std::path::PathBuf> {
    let own = app.runtime().to_string_lossy().into_owned();
    let is_of_run = |process: &std::path::PathBuf| {
        let environment = fs::read(process.join("environ")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains("RANGEHAND_RUN=")
    };
    testkit::processes_with_environment(&own).into_iter().filter(is_of_run).collect()
}
