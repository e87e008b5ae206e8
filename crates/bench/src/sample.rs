//! Jobs and events of ordinary size, for measuring.

use std::error::Error;

use jiff::{SignedDuration, Timestamp};
use model::{Code, Draft, EventKind, Job, JobId, JobState, Reason, RunId};
use serde_json::{Value, json};
use store::{Claim, JobMove, Store};
use uuid::Uuid;

/// A job that was just claimed, and its run. `things` are in its request.
///
/// # Errors
/// When the store fails, or another job was queued.
pub async fn running(store: &Store, things: &Value) -> Result<(Job, RunId), Box<dyn Error>> {
    let now = Timestamp::now();
    let event = Draft::new(now, EventKind::JOB_STATE, json!({}));
    let mut request = json!({"playbook": "ping", "inventory": "hosts.yml"});
    for (key, value) in things.as_object().into_iter().flatten() {
        request[key] = value.clone();
    }
    let job = Job::asked_for(JobId::from_uuid(Uuid::now_v7()), serde_json::from_value(request)?, now);
    store.insert_job(&job, &event, None, store::Admission::default()).await?;
    let run = RunId::from_uuid(Uuid::now_v7());
    let lease_until = now + SignedDuration::from_secs(60);
    let reason = &Reason::new(None, Code::Running, "a run is active");
    let claim = Claim { run, node: "here", now, lease_until, reason, event: &event };
    let job = store.claim_next(&claim).await?;
    Ok((job.ok_or("another job was in the way")?, run))
}

/// Ends a job that was claimed.
///
/// # Errors
/// When the store fails.
pub async fn end(store: &Store, job: &Job, to: JobState) -> Result<(), Box<dyn Error>> {
    let now = Timestamp::now();
    let event = Draft::new(now, EventKind::JOB_STATE, json!({}));
    let (id, from, fence, reason) = (job.id, job.state, job.fence, &job.reason);
    let job_move = JobMove {
        id,
        from,
        fence,
        to,
        now,
        reason,
        outcome: None,
        resume: None,
        wipes_secrets: false,
        event: &event,
    };
    store.move_job(&job_move).await?;
    Ok(())
}

/// An event as large as that of a task without much output: about 700 bytes. Every fourth reports a change, and every
/// hundredth a failure.
#[must_use]
pub fn event(number: u64) -> Draft {
    let output = "x".repeat(200);
    let (name, changed) = match number {
        n if n.is_multiple_of(100) => ("runner_on_failed", false),
        n => ("runner_on_ok", n.is_multiple_of(4)),
    };
    // Never refused.
    let kind = name.parse().unwrap_or(EventKind::VERBOSE);
    Draft {
        host: Some(format!("r42.vuln-box-{:02}", number % 20)),
        play: Some("Install the machine".to_owned()),
        task: Some(format!("Set the parameter {number}")),
        stdout: Some(format!("\u{1b}[0;33mchanged: [r42.vuln-box-00] => (item={number})\u{1b}[0m")),
        ..Draft::new(
            Timestamp::now(),
            kind,
            json!({"uuid": Uuid::now_v7(), "counter": number,
                "res": {"changed": changed, "stdout": output, "rc": 0}}),
        )
    }
}

/// Fills a store with ended jobs, each with this number of events, except the one in the middle, which is passed.
///
/// # Errors
/// When the store fails.
pub async fn history(
    store: &Store,
    jobs: u64,
    events: u64,
    of_largest: u64,
) -> Result<JobId, Box<dyn Error>> {
    let mut largest = None;
    for number in 1..=jobs {
        let content = format!("site-{}", number % 50);
        let team = ["red", "blue", "green"][(number % 3) as usize];
        let things = json!({"playbook": content, "labels": {
            "team": team, "exercise": (number % 1000).to_string()
        }});
        let (job, run) = running(store, &things).await?;
        let is_largest = number == jobs.div_ceil(2);
        let numbers: Vec<u64> = (1..=if is_largest { of_largest } else { events }).collect();
        for batch in numbers.chunks(500) {
            let drafts: Vec<_> = batch.iter().map(|number| (*number, event(*number))).collect();
            store.append_events(job.id, job.fence, run, &drafts).await?;
        }
        let to = if number.is_multiple_of(200) { JobState::Failed } else { JobState::Succeeded };
        end(store, &job, to).await?;
        if is_largest {
            largest = Some(job.id);
        }
    }
    Ok(largest.ok_or("no job is the largest")?)
}
