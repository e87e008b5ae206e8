//! How many events per second the store takes in: `cargo run --release -p store --example ingest`.
//!
//! Writes batches of several sizes into a new SQLite file below the temporary directory, and into a new job of the
//! database that `RANGEHAND_TEST_POSTGRES_URL` names, where it is set; that job is deleted in the end.

use std::{env, error::Error, time::Instant};

use model::{Draft, JobState};
use serde_json::json;
use store::{EventQuery, Options, Store};

mod sample;

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
        let (job, run) = sample::running(&store, &json!({})).await?;
        let batches = MOST_BATCHES.min(MOST_EVENTS / size);
        let events: Vec<(u64, Draft)> =
            (1..).map(|number| (number, sample::event(number))).take(batches * size).collect();
        let start = Instant::now();
        for batch in events.chunks(size) {
            store.append_events(job.id, job.fence, run, batch).await?;
        }
        let rate = events.len() as f64 / start.elapsed().as_secs_f64();
        let start = Instant::now();
        let mut after = 0;
        while let Some(last) = store.events(job.id, &EventQuery::after(after, 1000)).await?.last() {
            after = last.seq;
        }
        let read = after as f64 / start.elapsed().as_secs_f64();
        println!(
            "{:?}: batches of {size:4}: {rate:8.0} events/s in, {read:8.0} events/s out",
            store.backend()
        );
        sample::end(&store, &job, JobState::Succeeded).await?;
        store.delete_job(job.id).await?;
    }
    store.close().await;
    Ok(())
}
