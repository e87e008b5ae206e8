//! Writes events through a spool into a database, as for a run: `ingest EVENTS [BATCH]`, in a new temporary directory, or with
//! `RANGEHAND_TEST_POSTGRES_URL` in that database.
//!
//! Prints events per second in JSON: through both, into the spool alone, into the store alone, and out of the store again.
//! What is timed ends when everything is durable.

#![expect(clippy::print_stdout, reason = "a program that prints its measurements")]

use std::{env, error::Error, path::Path, time::Instant};

use ansible::events::spool::{Reader, Writer};
use bench::sample;
use model::{Draft, JobState};
use serde_json::json;
use store::{EventQuery, Options, Store};

/// As the service does it.
const BATCH: usize = 1000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let count: usize = words.next().ok_or("the number of events is missing")?.parse()?;
    let batch: usize = words.next().map_or(Ok(BATCH), |word| word.parse())?;
    let directory = tempfile::tempdir()?;
    let url = env::var("RANGEHAND_TEST_POSTGRES_URL")
        .unwrap_or_else(|_| format!("sqlite://{}/ingest.db", directory.path().display()));
    let store = Store::open(Options { url, max_connections: 4 }).await?;
    let events: Vec<Draft> = (1..).map(sample::event).take(count).collect();
    let rate = |seconds: f64| (count as f64 / seconds).round();

    let start = Instant::now();
    spool(&directory.path().join("alone"), &events)?;
    let spool_alone = start.elapsed().as_secs_f64();

    let numbered: Vec<(u64, Draft)> = (1..).zip(events.iter().cloned()).collect();
    let start = Instant::now();
    let job = Running::begin(&store).await?;
    for batch in numbered.chunks(batch) {
        job.keep(&store, batch).await?;
    }
    let store_alone = start.elapsed().as_secs_f64();
    let start = Instant::now();
    job.read(&store).await?;
    let out = start.elapsed().as_secs_f64();
    job.forget(&store).await?;

    let start = Instant::now();
    let job = Running::begin(&store).await?;
    through(&directory.path().join("through"), &events, batch, &store, &job).await?;
    let both = start.elapsed().as_secs_f64();
    job.forget(&store).await?;
    store.close().await;
    println!(
        "{}",
        json!({
            "events": count,
            "through": rate(both),
            "spool": rate(spool_alone),
            "store": rate(store_alone),
            "out": rate(out),
        })
    );
    Ok(())
}

fn spool(path: &Path, events: &[Draft]) -> Result<(), Box<dyn Error>> {
    let mut writer = Writer::create(path)?;
    for event in events {
        writer.append(event.clone())?;
    }
    Ok(writer.finish()?)
}

/// Written by one, read by the other, in turns: on one core they would be no faster at the same time.
async fn through(
    path: &Path,
    events: &[Draft],
    batch: usize,
    store: &Store,
    job: &Running,
) -> Result<(), Box<dyn Error>> {
    let mut writer = Writer::create(path)?;
    let mut reader = Reader::open(path)?;
    let mut after = 0;
    for events in events.chunks(batch) {
        for event in events {
            writer.append(event.clone())?;
        }
        writer.flush()?;
        loop {
            let entries = reader.next_batch(after, batch)?;
            let Some(last) = entries.last() else { break };
            after = last.n;
            let drafts: Vec<_> = entries.into_iter().map(|entry| (entry.n, entry.draft)).collect();
            job.keep(store, &drafts).await?;
        }
    }
    writer.finish()?;
    Ok(())
}

/// A job with an active run.
struct Running {
    job: model::Job,
    run: model::RunId,
}

impl Running {
    async fn begin(store: &Store) -> Result<Self, Box<dyn Error>> {
        let (job, run) = sample::running(store, &json!({})).await?;
        Ok(Self { job, run })
    }

    async fn keep(&self, store: &Store, drafts: &[(u64, Draft)]) -> Result<(), Box<dyn Error>> {
        store.append_events(self.job.id, self.job.fence, self.run, drafts).await?;
        Ok(())
    }

    async fn read(&self, store: &Store) -> Result<(), Box<dyn Error>> {
        let mut after = 0;
        while let Some(last) = store.events(self.job.id, &EventQuery::after(after, 1000)).await?.last() {
            after = last.seq;
        }
        Ok(())
    }

    async fn forget(self, store: &Store) -> Result<(), Box<dyn Error>> {
        sample::end(store, &self.job, JobState::Succeeded).await?;
        store.delete_job(self.job.id).await?;
        Ok(())
    }
}
