//! What `./bench.sh saga` measures: a saga of a range of 9 machines on 4 networks over its critical path, in virtual time.
//!
//! `latencies ROUNDS` prints, for each round, how long the plan took and how long its critical path was, in seconds. A round draws how long each
//! call of the simulated platform takes: between half and twice the usual time of a hypervisor. The journal takes 3 ms for each write, as a
//! disk does. The critical path is that of the drawn times, with as many steps at once as there are.

#![expect(clippy::print_stdout, reason = "what a program prints is its result")]

use std::{env, error::Error, time::Duration};

use model::{JournalChange, JournalEntry, JournalPhase, JournalRecord};
use saga::{
    Actions, Answer, Backoff, Failure, Found, Goal, Graph, Journal, MemoryError, MemoryJournal, OnFailure,
    Options, Saga, Step, Undo,
};
use tokio::time::{Instant, sleep};

const WRITE: Duration = Duration::from_millis(3);
/// Estimates in seconds, as plans have them without a history.
const NETWORK: u64 = 2;
const MACHINE: u64 = 30;
const START: u64 = 5;
const READY: u64 = 40;
const RULES: u64 = 10;
const PLAYBOOK: u64 = 60;

/// Numbers that differ from round to round, and are the same each time the program runs.
struct Numbers(u64);

impl Numbers {
    /// Xorshift.
    const fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) as u32
    }
}

fn steps() -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut add = |kind: &str, subject: String, needs: Vec<u32>, seconds: u64| {
        let id = u32::try_from(steps.len()).unwrap_or(u32::MAX);
        steps.push(Step {
            kind: kind.to_owned(),
            tag: format!("{kind} {subject}"),
            subject,
            needs,
            classes: Vec::new(),
            estimate: Duration::from_secs(seconds),
            limit: Duration::from_mins(30),
        });
        id
    };
    let networks: Vec<u32> =
        (0..4).map(|network| add("network.ensure", format!("net-{network}"), Vec::new(), NETWORK)).collect();
    let mut ready = Vec::new();
    for machine in 0..9_usize {
        let name = format!("machine-{machine}");
        let needs = vec![networks[machine % 4], networks[(machine + 1) % 4]];
        let made = add("machine.ensure", name.clone(), needs, MACHINE);
        let started = add("machine.start", name.clone(), vec![made], START);
        let waited = add("machine.wait", name.clone(), vec![started], READY);
        // The first machine is the router.
        ready.push(if machine == 0 { add("rules.ensure", name, vec![waited], RULES) } else { waited });
    }
    let base = add("playbook", "base".to_owned(), ready.clone(), PLAYBOOK);
    add("playbook", "web".to_owned(), vec![base, ready[1], ready[2]], PLAYBOOK);
    add("playbook", "database".to_owned(), vec![base, ready[3]], PLAYBOOK);
    steps
}

/// A platform whose calls take the drawn times: half of a call is until the operation is accepted, for those that are long.
struct Platform(Vec<Duration>);

impl Actions for Platform {
    async fn perform(&self, step: u32, _found: Option<&Found>) -> Result<Answer, Failure> {
        let time = self.0[step as usize];
        if time > Duration::from_secs(20) {
            sleep(time / 20).await;
            return Ok(Answer::Accepted(format!("operation-{step}")));
        }
        sleep(time).await;
        Ok(Answer::Done(None))
    }

    async fn wait(&self, step: u32, _handle: &str) -> Result<Option<String>, Failure> {
        let time = self.0[step as usize];
        sleep(time - time / 20).await;
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

/// A journal on a disk.
struct Disk(MemoryJournal);

impl Journal for Disk {
    type Error = MemoryError;

    async fn read(&self) -> Result<Option<JournalRecord>, MemoryError> {
        self.0.read().await
    }

    async fn begin(&self, entries: &[JournalEntry]) -> Result<(), MemoryError> {
        sleep(WRITE).await;
        self.0.begin(entries).await
    }

    async fn write(&self, phase: JournalPhase, changes: &[JournalChange]) -> Result<(), MemoryError> {
        sleep(WRITE).await;
        self.0.write(phase, changes).await
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let rounds: u64 = env::args().nth(1).ok_or("use `latencies ROUNDS`")?.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    runtime.block_on(async {
        for round in 1..=rounds {
            let mut numbers = Numbers(round.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let steps = steps();
            let drawn: Vec<Duration> = steps
                .iter()
                .map(|step| {
                    step.estimate.mul_f64(f64::from(numbers.next()).mul_add(1.5 / f64::from(u32::MAX), 0.5))
                })
                .collect();
            let as_drawn =
                steps.iter().zip(&drawn).map(|(step, time)| Step { estimate: *time, ..step.clone() });
            let critical = Graph::new(as_drawn.collect(), Vec::new())?.critical_path();
            let options = Options {
                at_once: 10,
                tries: 5,
                backoff: Backoff { first: Duration::from_secs(1), most: Duration::from_mins(1) },
                settle: Duration::from_mins(1),
                on_failure: OnFailure::Rollback,
            };
            let mut saga = Saga::new(Graph::new(steps, Vec::new())?, options, move || numbers.next());
            let begun = Instant::now();
            saga.run(Goal::Continue, &Disk(MemoryJournal::default()), &Platform(drawn), |_| {}).await?;
            println!("{} {}", begun.elapsed().as_secs_f64(), critical.as_secs_f64());
        }
        Ok(())
    })
}
