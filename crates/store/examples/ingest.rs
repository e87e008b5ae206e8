//! How many events per second the store takes in: `cargo run --release -p store --example ingest`.
//!
//! Writes batches of several sizes into a new SQLite file below the temporary directory, and into a new job of the
//! database that `RANGEHAND_TEST_POSTGRES_URL` names, where it is set; that job is deleted in the end.

use std::{env, error::Error, time::Instant};

use jiff::Timestamp;
use model::{Code, Draft, EventKind, Job, JobId, JobState, Reason, RunId};
use serde_json::json;
use store::{Options, Store};
use uuid::Uuid;

const BATCHES: [usize; 5] = [1, 16, 100, 500, 2000];
const MOST_EVENTS: usize = 50_000;
const MOST_BATCHES: usize = 500;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    measure(format!("sqlite://{}/ingest.db", directory.path().display())).await?;
    if let Ok(url) = env::var("RANGEHAND_TEST_POSTGRES_URL") {
        measure(url).await?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
async fn measure(url: String) -> Result<(), Box<dyn Error>> {
    let store = Store::open(Options { url, max_connections: 4 }).await?;
    for size in BATCHES {
        let (job, run) = running(&store).await?;
        let batches = MOST_BATCHES.min(MOST_EVENTS / size);
        let events: Vec<(u64, Draft)> =
            (1..).map(|number| (number, event(number))).take(batches * size).collect();
        let start = Instant::now();
        for batch in events.chunks(size) {
            store.append_events(job.id, job.fence, run, batch).await?;
        }
        let rate = events.len() as f64 / start.elapsed().as_secs_f64();
        let start = Instant::now();
        let mut after = 0;
        while let Some(last) = store.events(job.id, after, 1000).await?.last() {
            after = last.seq;
        }
        let read = after as f64 / start.elapsed().as_secs_f64();
        println!(
            "{:?}: batches of {size:4}: {rate:8.0} events/s in, {read:8.0} events/s out",
            store.backend()
        );
        store.delete_job(job.id).await?;
    }
    store.close().await;
    Ok(())
}

async fn running(store: &Store) -> Result<(Job, RunId), Box<dyn Error>> {
    let told = Draft::new(Timestamp::now(), EventKind::JOB_STATE, json!({}));
    let job = Job {
        id: JobId::from_uuid(Uuid::now_v7()),
        state: JobState::Queued,
        reason: Reason::new(None, Code::Waiting, ""),
        request: serde_json::from_value(json!({"playbook": "ping", "inventory": "hosts.yml"}))?,
        attempt: 0,
        fence: 0,
        created_at: Timestamp::now(),
        started_at: None,
        finished_at: None,
        run: None,
        outcome: None,
        last_seq: 1,
    };
    store.insert_job(&job, &told).await?;
    let run = RunId::from_uuid(Uuid::now_v7());
    let reason = Reason::new(None, Code::Running, "");
    let job = store.claim_next(run, Timestamp::now(), &reason, &told).await?;
    Ok((job.ok_or("another job was in the way")?, run))
}

/// An event of the size that a task without much output has: about 700 bytes.
fn event(number: u64) -> Draft {
    let output = "x".repeat(200);
    Draft {
        host: Some("r42.vuln-box-00".to_owned()),
        play: Some("Install the machine".to_owned()),
        task: Some(format!("Set the parameter {number}")),
        stdout: Some(format!("\u{1b}[0;33mchanged: [r42.vuln-box-00] => (item={number})\u{1b}[0m")),
        ..Draft::new(
            Timestamp::now(),
            EventKind::VERBOSE,
            json!({"uuid": Uuid::now_v7(), "counter": number, "res": {"changed": true, "stdout": output, "rc": 0}}),
        )
    }
}
