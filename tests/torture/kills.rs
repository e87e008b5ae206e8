//! SIGKILL at random moments, of the service and of supervisors, while short, slow and failing runs go on.

use std::{collections::HashSet, path::PathBuf, time::Duration};

use rustix::process::{Pid, Signal};

use crate::{
    app::{Setup, TestApp},
    by_form,
    database::Database,
    fake, is_long, memory,
    random::Random,
    truth::{self, Asked},
    worker::{Worker, runs_in},
};

/// How many runs are kept at work, and as many more in the queue.
const AT_ONCE: usize = 4;

#[tokio::test]
async fn jobs_end_truly_whoever_is_killed_on_sqlite() {
    torture(fake::setup(), None, "SQLite", by_form(12, 200)).await;
}

#[tokio::test]
async fn jobs_end_truly_whoever_is_killed_on_postgres() {
    let Some(database) = Database::new() else { return };
    let setup = fake::setup().set("RANGEHAND__STORE__URL", database.url());
    torture(setup, None, "PostgreSQL", by_form(4, 200)).await;
    // The database goes last: the service is connected to it until here.
    drop(database);
}

#[tokio::test]
async fn jobs_end_truly_when_workers_are_killed_too() {
    let Some(database) = Database::new() else { return };
    let node = || fake::setup().set("RANGEHAND__STORE__URL", database.url());
    let worker = Worker::start(node().set("RANGEHAND__RUNS__MAX_AT_ONCE", AT_ONCE.to_string()));
    torture(node(), Some(worker), "PostgreSQL with a worker", by_form(6, 200)).await;
    drop(database);
}

/// What was done to a service so far.
struct Torture {
    app: TestApp,
    random: Random,
    jobs: Vec<Asked>,
    /// The runs whose supervisors were killed.
    killed: HashSet<String>,
    service_kills: usize,
    /// A second node, with its kills.
    worker: Option<Worker>,
    worker_kills: usize,
}

async fn torture(setup: Setup, worker: Option<Worker>, store: &str, kills: usize) {
    let (random, seed) = Random::new();
    println!("kills on {store}: RANGEHAND_TORTURE_SEED={seed}");
    let app = setup.set("RANGEHAND__RUNS__MAX_AT_ONCE", AT_ONCE.to_string()).start();
    let (jobs, killed) = (Vec::new(), HashSet::new());
    let mut torture = Torture { app, random, jobs, killed, service_kills: 0, worker, worker_kills: 0 };
    while torture.kills() < kills {
        torture.ask_for_more().await;
        torture.pause(500).await;
        match torture.random.below(8) {
            0 => {
                torture.app.kill();
                torture.service_kills += 1;
                torture.kill_a_supervisor();
                torture.pause(100).await;
                torture.app.start_again();
            }
            1..4 => torture.kill_a_supervisor(),
            4..6 if torture.worker.is_some() => torture.kill_the_worker().await,
            _ => {
                torture.app.kill();
                torture.service_kills += 1;
                torture.pause(200).await;
                torture.app.start_again();
            }
        }
    }
    let counts = truth::assert_all(&torture.app, &torture.jobs, &torture.killed).await;
    let ends: Vec<_> = counts.iter().map(|(state, count)| format!("{count} {state}")).collect();
    let of_worker = torture
        .worker
        .as_ref()
        .map_or(String::new(), |_| format!("{} of the worker, ", torture.worker_kills));
    println!(
        "figure: kills on {store} | {} SIGKILLs: {} of the service, {of_worker}{} of supervisors; {} jobs: {} | 0 false ends, \
         0 gaps or repeats in event numbers, 0 processes, directories or secrets left",
        torture.kills(),
        torture.service_kills,
        torture.killed.len(),
        torture.jobs.len(),
        ends.join(", "),
    );
}

impl Torture {
    fn kills(&self) -> usize {
        self.service_kills + self.worker_kills + self.killed.len()
    }

    /// The directories of runs of all nodes.
    fn runs(&self) -> Vec<PathBuf> {
        let of_worker = self.worker.iter().flat_map(|worker| runs_in(worker.home()));
        self.app.run_directories().into_iter().chain(of_worker).collect()
    }

    fn most(&self) -> usize {
        AT_ONCE * (1 + usize::from(self.worker.is_some()))
    }

    async fn kill_the_worker(&mut self) {
        let Some(mut worker) = self.worker.take() else { return };
        worker.kill();
        self.worker_kills += 1;
        self.pause(200).await;
        worker.start_again();
        self.worker = Some(worker);
    }

    async fn pause(&mut self, longest_ms: u64) {
        let pause = Duration::from_millis(self.random.below(longest_ms));
        tokio::time::sleep(pause).await;
    }

    /// Asks for a few jobs unless enough are at work.
    async fn ask_for_more(&mut self) {
        for _ in self.runs().len()..self.most() {
            let number = self.jobs.len();
            let asked = if is_long() && self.random.one_in(10) {
                Asked::real(&self.app, number).await
            } else {
                let seconds = if self.random.one_in(5) { 2.0 } else { 0.3 };
                let fail = self.random.one_in(4);
                Asked::fake(&self.app, number, seconds, fail).await
            };
            self.jobs.push(asked);
        }
    }

    /// Kills any one of those at work; none may be.
    fn kill_a_supervisor(&mut self) {
        let mut runs = self.runs();
        runs.retain(|run| memory::supervisor(run).is_some());
        if runs.is_empty() {
            return;
        }
        let chosen = self.random.below(runs.len() as u64);
        let run = &runs[usize::try_from(chosen).expect("a small number")];
        let Some(pid) = memory::supervisor(run).and_then(Pid::from_raw) else { return };
        // It may have ended by itself in this moment.
        if rustix::process::kill_process(pid, Signal::KILL).is_ok() {
            self.killed.insert(run.file_name().expect("a name").to_string_lossy().into_owned());
        }
    }
}
