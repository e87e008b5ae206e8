//! Measures a database with 10,000 jobs and 1,000,000 events: `cargo run --release -p bench --bin history`.
//!
//! Fills a new SQLite file below the temporary directory (about 2 GB), or with `postgres` as an argument the
//! database that `RANGEHAND_TEST_POSTGRES_URL` names, which should be empty. Then runs every kind of query on it, and
//! writes to it while the largest job is deleted.

use std::{env, error::Error, future::Future, time::Instant};

use bench::sample;
use jiff::Timestamp;
use model::{ContentKind, EventKind, JobId, JobState};
use serde_json::json;
use store::{EventQuery, JobQuery, Options, Retention, Store};

const JOBS: u64 = 10_000;
/// Of each job but the largest.
const EVENTS: u64 = 90;
const EVENTS_OF_LARGEST: u64 = 100_000;
/// The repetitions of each query.
const REPETITIONS: usize = 50;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let url = match env::args().nth(1).as_deref() {
        Some("postgres") => env::var("RANGEHAND_TEST_POSTGRES_URL")?,
        _ => format!("sqlite://{}/history.db", directory.path().display()),
    };
    let store = Store::open(Options { url, max_connections: 4 }).await?;
    say(&format!("{:?}", store.backend()));
    let start = Instant::now();
    let largest = sample::history(&store, JOBS, EVENTS, EVENTS_OF_LARGEST).await?;
    say(&format!("{JOBS} jobs, {} events in {:.1?}", store.last_position().await?, start.elapsed()));
    lists(&store).await?;
    events(&store, largest).await?;
    queue(&store).await?;
    deletion(&store, largest).await?;
    store.close().await;
    Ok(())
}

async fn lists(store: &Store) -> Result<(), Box<dyn Error>> {
    let any = JobQuery { limit: 50, ..JobQuery::default() };
    let middle = JobQuery { limit: (JOBS / 2) as u32, ..JobQuery::default() };
    let middle = store.jobs(&middle).await?.last().map(|job| (job.created_at, job.id));
    let label = |key: &str, value: &str| Some((key.to_owned(), Some(value.to_owned())));
    for (name, query) in [
        ("jobs: first page", any.clone()),
        ("jobs: a page in the middle", JobQuery { before: middle, ..any.clone() }),
        ("jobs: failed (1 in 200)", JobQuery { state: Some(JobState::Failed), ..any.clone() }),
        (
            "jobs: of one playbook",
            JobQuery { kind: Some(ContentKind::Playbook), name: "site-7".parse().ok(), ..any.clone() },
        ),
        ("jobs: of a name, any kind", JobQuery { name: "site-7".parse().ok(), ..any.clone() }),
        ("jobs: with a rare label", JobQuery { label: label("exercise", "7"), ..any.clone() }),
        ("jobs: with a common label", JobQuery { label: label("team", "red"), ..any.clone() }),
        (
            "jobs: failed with a label",
            JobQuery { state: Some(JobState::Failed), label: label("team", "red"), ..any.clone() },
        ),
    ] {
        measure(name, || async { Ok(store.jobs(&query).await?.len()) }).await?;
    }
    Ok(())
}

async fn events(store: &Store, largest: JobId) -> Result<(), Box<dyn Error>> {
    let page = EventQuery::after(0, 100);
    let host = || Some("r42.vuln-box-08".to_owned());
    let task = Some("Set the parameter 99999".to_owned());
    for (name, query) in [
        ("events: first page", page.clone()),
        ("events: the last page", EventQuery { after: 99_900, ..page.clone() }),
        ("events: of a host", EventQuery { host: host(), after: 50_000, ..page.clone() }),
        ("events: failed", EventQuery { failed: true, after: 50_000, ..page.clone() }),
        ("events: changed on a host", EventQuery { changed: true, host: host(), ..page.clone() }),
        (
            "events: of a rare kind (scans all 100,000)",
            EventQuery { kind: Some(EventKind::JOB_STATE), ..page.clone() },
        ),
        ("events: of a task (scans all 100,000)", EventQuery { task, ..page.clone() }),
    ] {
        measure(name, || async { Ok(store.events(largest, &query).await?.len()) }).await?;
    }
    let last = store.last_position().await?;
    for (name, query) in [
        ("all events: first page", page.clone()),
        ("all events: the last page", EventQuery { after: last - 100, ..page.clone() }),
        (
            "all events: failed, of 10,000",
            EventQuery { failed: true, after: last / 2, until: Some(last / 2 + 10_000), ..page.clone() },
        ),
    ] {
        measure(name, || async { Ok(store.all_events(&query).await?.len()) }).await?;
    }
    measure("log: the place of a line", || async {
        Ok(usize::from(store.log_place(largest, 77_777).await?.is_some()))
    })
    .await
}

async fn queue(store: &Store) -> Result<(), Box<dyn Error>> {
    measure("queue: empty", || async { Ok(store.queue(50).await?.len()) }).await?;
    measure("running", || async { Ok(store.running().await?.len()) }).await?;
    measure("counts by state", || async { Ok(store.counts().await?.len()) }).await?;
    let content = model::ContentRef::Playbook("site-7".parse()?);
    measure("last success of a playbook", || async {
        Ok(usize::from(!store.last_successes(&content, 8).await?.is_empty()))
    })
    .await?;
    let all = Retention { older_than: Some(Timestamp::UNIX_EPOCH), keep: Some(9_990), bytes: Some(1 << 40) };
    measure("retention: what may go", || async { Ok(store.prune_candidates(&all, 100).await?.len()) }).await
}

/// The longest that a writer waits while the largest job is deleted.
async fn deletion(store: &Store, largest: JobId) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let deleting = {
        let store = store.clone();
        tokio::spawn(async move { store.delete_job(largest).await })
    };
    let (mut longest, mut writes) = (start.elapsed(), 0);
    while !deleting.is_finished() {
        let start = Instant::now();
        sample::running(store, &json!({})).await?;
        longest = longest.max(start.elapsed());
        writes += 1;
    }
    deleting.await??;
    say(&format!(
        "deleting {EVENTS_OF_LARGEST} events: {:.1?}; meanwhile {writes} jobs were stored and claimed, the slowest in {longest:.1?}",
        start.elapsed()
    ));
    Ok(())
}

async fn measure<F: Future<Output = Result<usize, store::Error>>>(
    name: &str,
    look: impl Fn() -> F,
) -> Result<(), Box<dyn Error>> {
    let mut times = Vec::with_capacity(REPETITIONS);
    let mut found = 0;
    for _ in 0..REPETITIONS {
        let start = Instant::now();
        found = look().await?;
        times.push(start.elapsed());
    }
    let first = times[0];
    times.sort_unstable();
    let (median, longest) = (times[REPETITIONS / 2], times[REPETITIONS - 1]);
    say(&format!(
        "{name:48} {found:4} found, median {median:8.2?}, first {first:8.2?}, longest {longest:8.2?}"
    ));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
fn say(text: &str) {
    println!("{text}");
}
