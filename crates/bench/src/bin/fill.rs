//! Creates an SQLite database with a history: `fill FILE JOBS EVENTS_OF_EACH [EVENTS_OF_ONE]`. Fast on a tmpfs.

use std::{env, error::Error};

use bench::sample;
use store::{Options, Store};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let file = words.next().ok_or("a file is missing")?;
    let jobs = words.next().ok_or("the number of jobs is missing")?.parse()?;
    let events = words.next().ok_or("the number of events is missing")?.parse()?;
    let of_one = words.next().map(|word| word.parse()).transpose()?.unwrap_or(events);
    let store = Store::open(Options { url: format!("sqlite://{file}"), max_connections: 2 }).await?;
    sample::history(&store, jobs, events, of_one).await?;
    store.close().await;
    Ok(())
}
