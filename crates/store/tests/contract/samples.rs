//! Jobs, events and outcomes to store.

use jiff::Timestamp;
use model::{
    Actor, Code, ContentRef, Draft, Encrypted, Ending, Failure, HostStats, Job, JobId, JobRequest, JobState,
    JobSummary, Outcome, Phase, PlaybookDetail, PlaybookOutcome, Reason, Report, Resume, RunId, StateChange,
};
use serde_json::{Value, json};
use store::{Claim, Inserted, JobMove, Store};
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
    asking(created_at, &json!({}))
}

/// A queued job with these things in its request.
pub(crate) fn asking(created_at: Timestamp, things: &Value) -> Job {
    let mut request = json!({"playbook": "ping", "inventory": "hosts.yml"});
    for (key, value) in things.as_object().expect("an object") {
        request[key] = value.clone();
    }
    Job {
        id: new_job_id(),
        state: JobState::Queued,
        reason: reason(Code::Waiting),
        request: serde_json::from_value(request).expect("a request"),
        submitted_by: Actor::default(),
        parent: None,
        attempt: 0,
        fence: 0,
        created_at,
        queued_at: created_at,
        started_at: None,
        finished_at: None,
        run: None,
        node: None,
        lease_until: None,
        resume: None,
        outcome: None,
        tasks: 0,
        last_seq: 1,
        acts_for: None,
        secrets: None,
    }
}

/// What a list shows of a job.
pub(crate) fn summary(job: &Job) -> JobSummary {
    JobSummary {
        id: job.id,
        state: job.state,
        reason: Reason { last_lines: Vec::new(), ..job.reason.clone() },
        request: job.request.clone(),
        submitted_by: job.submitted_by.clone(),
        parent: job.parent,
        attempt: job.attempt,
        created_at: job.created_at,
        started_at: job.started_at,
        finished_at: job.finished_at,
        rc: job.outcome.as_ref().and_then(|outcome| outcome.detail.rc()),
        last_seq: job.last_seq,
    }
}

/// A job with everything set.
pub(crate) fn full_job() -> Job {
    let request: JobRequest = serde_json::from_value(json!({
        "scenario": "ctf/CVE-2021-42013", "inventory": "lab/hosts.yml", "limit": "web:!db", "tags": "install,never",
        "skip_tags": "slow", "extra_vars": {"z": "ünï\u{0}cödé", "a": [1, 2.5, null, true, {"deep": "{{ x }}"}]},
        "check": true, "diff": true, "verbosity": 5, "forks": 20, "timeout_s": 3600, "priority": -5,
        "labels": {"team": "red", "note": "ünï: cödé"}, "resources": ["vm:pve1/1000", "range:alpha"],
        "retry": {"on": ["lost"], "max_attempts": 2}, "start_at_task": "Install | {{ it }}",
        "secret_vars": ["token"]
    }))
    .expect("a request");
    let content = request.work.as_playbook().map(|work| &work.content);
    assert!(matches!(content, Some(ContentRef::Scenario(_))));
    let mut reason = reason(Code::TaskFailed);
    reason.phase = Some(Phase::Run);
    reason.last_lines = vec!["fatal: [a]".to_owned(), "\u{1b}[31m💥\u{1b}[0m".to_owned()];
    Job {
        state: JobState::Failed,
        reason,
        request,
        submitted_by: Actor::Caller { name: Some("ünal b.".to_owned()) },
        attempt: 3,
        fence: 7,
        queued_at: at(5),
        started_at: Some(at(10)),
        finished_at: Some(at(20)),
        run: Some(new_run_id()),
        node: Some("there".to_owned()),
        lease_until: Some(at(1000)),
        resume: Some(resume()),
        tasks: 3,
        acts_for: "range:alpha".parse().ok(),
        outcome: Some(outcome(Ending::Failed)),
        secrets: Some(encrypted("0a1b2c3d")),
        ..queued(at(0))
    }
}

/// Secrets under this key, as far as the store can tell.
pub(crate) fn encrypted(key: &str) -> Encrypted {
    Encrypted(format!("v1.{key}.bm9uY2U.dGV4dA"))
}

/// Another beginning, for fewer hosts.
pub(crate) fn resume() -> Resume {
    Resume { start_at_task: "Install".parse().ok(), limit: "web".parse().ok() }
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
    let report = Report {
        stats: [("web".to_owned(), stats)].into(),
        failures: vec![failure],
        results: [("vm_list".to_owned(), json!([{"vmid": 100}]))].into_iter().collect(),
        ..Report::default()
    };
    let detail = PlaybookDetail {
        rc: Some(2),
        report,
        events: 5,
        executor: Some(model::Executor::Warm),
        isolation: Some(model::Isolation::Sandbox),
        protections: vec!["seccomp".to_owned()],
        processes_killed: 1,
        ..PlaybookDetail::default()
    };
    let outcome = PlaybookOutcome {
        started_at: Some(at(11)),
        ..PlaybookOutcome::not_begun(ending, reason(Code::TaskFailed), at(19), detail)
    };
    outcome.into()
}

/// The event of a move to this state.
pub(crate) fn told(state: JobState) -> Draft {
    Draft::own(at(1), &StateChange { from: None, to: state, reason: reason(Code::Waiting) })
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

/// Stores a job in the state it is in.
pub(crate) async fn insert(store: &Store, job: &Job) {
    let inserted =
        store.insert_job(job, &told(job.state), None, store::Admission::default()).await.expect("stored");
    assert_eq!(inserted, Inserted::New);
}

/// Stores a new queued job.
pub(crate) async fn insert_queued(store: &Store, created_at: Timestamp) -> Job {
    insert_asking(store, created_at, &json!({})).await
}

/// Stores a new queued job with these things in its request.
pub(crate) async fn insert_asking(store: &Store, created_at: Timestamp, things: &Value) -> Job {
    let job = asking(created_at, things);
    insert(store, &job).await;
    job
}

/// Claims the next job for a new run of the node `here`, which holds it for a second.
pub(crate) async fn claim(store: &Store) -> Option<Job> {
    claim_as(store, "here", at(1005)).await
}

/// Claims the next job for a new run of this node.
pub(crate) async fn claim_as(store: &Store, node: &str, lease_until: Timestamp) -> Option<Job> {
    let (reason, event) = (&reason(Code::Running), &told(JobState::Running));
    let claim = Claim { run: new_run_id(), node, now: at(5), lease_until, reason, event };
    store.claim_next(&claim).await.expect("claimed")
}

/// A stored job with a run at work on it, and that run.
pub(crate) async fn running(store: &Store) -> (Job, RunId) {
    insert_queued(store, at(0)).await;
    let job = claim(store).await.expect("the job that was just stored");
    let run = job.run.expect("a claimed job has a run");
    (job, run)
}

/// A move of a job as it is, for the reason it is there for.
pub(crate) fn job_move<'a>(job: &'a Job, to: JobState, now: Timestamp, event: &'a Draft) -> JobMove<'a> {
    let (id, from, fence, reason) = (job.id, job.state, job.fence, &job.reason);
    JobMove { id, from, fence, to, now, reason, outcome: None, resume: None, wipes_secrets: false, event }
}

/// Moves a job as it is.
pub(crate) async fn moved(store: &Store, job: &Job, to: JobState, now: Timestamp) -> Job {
    store.move_job(&job_move(job, to, now, &told(to))).await.expect("moved")
}
