//! Jobs, events and outcomes to store.

use jiff::Timestamp;
use model::{
    Code, ContentRef, Draft, Ending, EventKind, Failure, HostStats, Job, JobId, JobRequest, JobState,
    Outcome, Phase, Reason, Report, RunId,
};
use serde_json::json;
use store::Store;
use uuid::Uuid;

/// The moment so many milliseconds after an arbitrary one.
pub(crate) fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_763_600_000_000 + milliseconds).expect("a time")
}

pub(crate) fn new_job_id() -> JobId {
    JobId::from_uuid(Uuid::now_v7())
}

pub(crate) fn new_run_id() -> RunId {
    RunId::from_uuid(Uuid::now_v7())
}

pub(crate) fn reason(code: Code) -> Reason {
    Reason::new(None, code, format!("because of `{code}`"))
}

/// A queued job with nothing set that need not be.
pub(crate) fn queued(created_at: Timestamp) -> Job {
    let request = json!({"playbook": "ping", "inventory": "hosts.yml"});
    Job {
        id: new_job_id(),
        state: JobState::Queued,
        reason: reason(Code::Waiting),
        request: serde_json::from_value(request).expect("a request"),
        attempt: 0,
        fence: 0,
        created_at,
        started_at: None,
        finished_at: None,
        run: None,
        outcome: None,
        last_seq: 1,
    }
}

/// A job with everything set.
pub(crate) fn full_job() -> Job {
    let request: JobRequest = serde_json::from_value(json!({
        "scenario": "ctf/CVE-2021-42013", "inventory": "lab/hosts.yml", "limit": "web:!db", "tags": "install,never",
        "skip_tags": "slow", "extra_vars": {"z": "ünï\u{0}cödé", "a": [1, 2.5, null, true, {"deep": "{{ x }}"}]},
        "check": true, "diff": true, "verbosity": 5, "forks": 20, "timeout_s": 3600
    }))
    .expect("a request");
    assert!(matches!(request.content, ContentRef::Scenario(_)));
    let mut reason = reason(Code::TaskFailed);
    reason.phase = Some(Phase::Run);
    reason.last_lines = vec!["fatal: [a]".to_owned(), "\u{1b}[31m💥\u{1b}[0m".to_owned()];
    Job {
        state: JobState::Failed,
        reason,
        request,
        attempt: 3,
        fence: 7,
        started_at: Some(at(10)),
        finished_at: Some(at(20)),
        run: Some(new_run_id()),
        outcome: Some(outcome(Ending::Failed)),
        ..queued(at(0))
    }
}

pub(crate) fn outcome(ending: Ending) -> Outcome {
    let failure = Failure {
        host: "web".to_owned(),
        play: Some("all".to_owned()),
        task: None,
        action: Some("command".to_owned()),
        unreachable: false,
        item: None,
        message: "non-zero return code".to_owned(),
    };
    let stats = HostStats { ok: 3, failed: 1, ..HostStats::default() };
    Outcome {
        rc: Some(2),
        report: Report {
            stats: [("web".to_owned(), stats)].into(),
            failures: vec![failure],
            results: [("vm_list".to_owned(), json!([{"vmid": 100}]))].into_iter().collect(),
            ..Report::default()
        },
        events: 5,
        processes_killed: 1,
        started_at: Some(at(11)),
        ..Outcome::without_run(ending, reason(Code::TaskFailed), at(19))
    }
}

/// The event of a move to this state.
pub(crate) fn told(state: JobState) -> Draft {
    Draft::new(at(1), EventKind::JOB_STATE, json!({"to": state}))
}

/// An event of a run.
pub(crate) fn draft(number: u64) -> Draft {
    Draft {
        host: Some("web".to_owned()),
        play: Some("all".to_owned()),
        task: Some(format!("task {number}")),
        stdout: Some(format!("ok: [web] {number}")),
        ..Draft::new(at(2), "runner_on_ok".parse().expect("a kind"), json!({"number": number}))
    }
}

/// Numbered events of a run.
pub(crate) fn drafts(numbers: impl IntoIterator<Item = u64>) -> Vec<(u64, Draft)> {
    numbers.into_iter().map(|number| (number, draft(number))).collect()
}

/// Stores a new queued job.
pub(crate) async fn insert_queued(store: &Store, created_at: Timestamp) -> Job {
    let job = queued(created_at);
    store.insert_job(&job, &told(JobState::Queued)).await.expect("stored");
    job
}

/// Claims the oldest queued job for a new run.
pub(crate) async fn claim(store: &Store) -> Option<Job> {
    let event = told(JobState::Running);
    store.claim_next(new_run_id(), at(5), &reason(Code::Running), &event).await.expect("claimed")
}

/// A stored job with a run at work on it, and that run.
pub(crate) async fn running(store: &Store) -> (Job, RunId) {
    insert_queued(store, at(0)).await;
    let job = claim(store).await.expect("the job that was just stored");
    let run = job.run.expect("a claimed job has a run");
    (job, run)
}
