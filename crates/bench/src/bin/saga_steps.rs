//! Runs a saga of many steps that take no time, with its journal in an SQLite file: `saga_steps FILE [STEPS]`.
//!
//! Prints the seconds from the begin of the run to its end, when everything is durable, and those of its rollback. Ten steps run at once;
//! each needs one of the ten before it, as the machines of a range need their networks.

#![expect(clippy::print_stdout, reason = "a program that prints its measurements")]

use std::{
    env,
    error::Error,
    time::{Duration, Instant},
};

use bench::sample;
use engine::PlanJournal;
use jiff::Timestamp;
use model::{JournalEntry, PlanId, RangeId};
use saga::{
    Actions, Answer, Backoff, Ending, Failure, Found, Goal, Graph, OnFailure, Options, Saga, Step, Undo,
};
use serde_json::json;
use store::{PlanDraft, PlanHolder, PlanInputs, Store};
use uuid::Uuid;

const AT_ONCE: u32 = 10;

/// A platform that has done everything already.
struct Nothing;

impl Actions for Nothing {
    async fn perform(&self, _step: u32, _found: Option<&Found>) -> Result<Answer, Failure> {
        Ok(Answer::Done(None))
    }

    async fn wait(&self, _step: u32, _handle: &str) -> Result<Option<String>, Failure> {
        Ok(None)
    }

    async fn look_up(&self, _step: u32) -> Result<Found, Failure> {
        Ok(Found::Absent)
    }

    async fn undo(&self, _step: u32, _entry: &JournalEntry) -> Result<Undo, Failure> {
        Ok(Undo::Undone)
    }

    fn remedy(&self, step: u32) -> String {
        format!("remove what step {step} made")
    }
}

fn step(number: u32) -> Step {
    Step {
        kind: "machine.ensure".to_owned(),
        subject: format!("machine-{number}"),
        tag: format!("range-1/machine-{number}"),
        needs: number.checked_sub(AT_ONCE).into_iter().collect(),
        classes: Vec::new(),
        estimate: Duration::from_secs(1),
        limit: Duration::from_mins(1),
    }
}

/// A plan that a running job holds.
async fn hold(store: &Store) -> Result<PlanHolder, Box<dyn Error>> {
    let (job, _) = sample::running(store, &json!({})).await?;
    let plan = PlanId::from_uuid(Uuid::now_v7());
    let make = |_: &PlanInputs| {
        Ok::<_, store::Error>(PlanDraft {
            id: plan,
            job: job.id,
            plan: "{}".to_owned(),
            name: job.id.to_string(),
            document: "{}".to_owned(),
            recorded: "{}".to_owned(),
            expires_at: None,
            secrets: None,
            leases: Vec::new(),
        })
    };
    store.store_plan(RangeId::from_uuid(Uuid::now_v7()), "bench", Timestamp::now(), make).await??;
    Ok(PlanHolder { plan, job: job.id, fence: job.fence })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let file = words.next().ok_or("use `saga_steps FILE [STEPS]`")?;
    let steps: u32 = words.next().map_or(Ok(1_000), |word| word.parse())?;
    let store = Store::open(store::Options { url: format!("sqlite://{file}"), max_connections: 4 }).await?;
    let journal = PlanJournal::new(store.clone(), hold(&store).await?);
    let options = Options {
        at_once: AT_ONCE as usize,
        tries: 5,
        backoff: Backoff { first: Duration::from_secs(1), most: Duration::from_mins(1) },
        settle: Duration::from_mins(1),
        on_failure: OnFailure::Rollback,
    };
    let mut took = Vec::new();
    for (goal, wanted) in [(Goal::Continue, Ending::Succeeded), (Goal::Rollback, Ending::Clean)] {
        let graph = Graph::new((0..steps).map(step).collect(), Vec::new())?;
        let mut saga = Saga::new(graph, options, || 0);
        let begun = Instant::now();
        let outcome = saga.run(goal, &journal, &Nothing, |_| {}).await?;
        took.push(begun.elapsed().as_secs_f64());
        if outcome.ending != wanted {
            return Err(format!("{:?}", outcome.ending).into());
        }
    }
    store.close().await;
    println!("{}", json!({"steps": steps, "seconds": took[0], "back_seconds": took[1]}));
    Ok(())
}
