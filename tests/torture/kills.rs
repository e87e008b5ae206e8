//! SIGKILL at random moments during runs of Ansible with the default executor: of the service, soon and late after its start, of
//! fork servers, of supervisors with and without a run, and of processes that run Ansible.
//!
//! Each playbook records in a journal that it began and how it ended, so the journal shows how often a job really ran.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::process::Signal;
use testkit::{Postgres, Setup, TestApp, Worker, processes_with_environment, runs_in, until};

use crate::{
    by_form, is_long,
    random::Random,
    truth::{self, Hit, SubmittedJob},
    victims::{self, Stopped},
};

/// How many runs are kept active, with as many more jobs in the queue.
const AT_ONCE: usize = 3;
/// The short form kills no more after this time: a busy machine is slow.
const SHORT: Duration = Duration::from_secs(8);

#[tokio::test]
async fn jobs_end_truly_after_any_kill_on_sqlite() {
    torture(Setup::new(), None, "SQLite", by_form(12, 500)).await;
}

#[tokio::test]
async fn jobs_end_truly_after_any_kill_on_postgres() {
    let Some(database) = Postgres::create() else { return };
    let setup = Setup::new().set("RANGEHAND__STORE__URL", database.url());
    torture(setup, None, "PostgreSQL", by_form(8, 500)).await;
    // The database goes last: the service is connected to it until here.
    drop(database);
}

#[tokio::test]
async fn jobs_end_truly_when_workers_are_killed_too() {
    let Some(database) = Postgres::create() else { return };
    let node = || Setup::new().set("RANGEHAND__STORE__URL", database.url());
    let worker = Worker::start(node().set("RANGEHAND__RUNS__MAX_CONCURRENT", AT_ONCE.to_string()));
    torture(node(), Some(worker), "PostgreSQL with a worker", by_form(6, 200)).await;
    drop(database);
}

/// How often what was killed.
#[derive(Default)]
struct Kills {
    service: usize,
    /// Of those, within a second after its start.
    young: usize,
    worker: usize,
    /// Supervisors whose runs could have begun, and those whose runs had not.
    supervisors: usize,
    unbegun: usize,
    /// Processes with Ansible imported, and all that they keep for runs to come.
    beginners: usize,
    /// Children of supervisors: they run Ansible, or wait to do so.
    children: usize,
}

impl Kills {
    const fn all(&self) -> usize {
        self.service + self.worker + self.supervisors + self.unbegun + self.beginners + self.children
    }
}

/// What was done to a service so far.
struct Torture {
    app: TestApp,
    started: Instant,
    random: Random,
    jobs: Vec<SubmittedJob>,
    hit: Hit,
    kills: Kills,
    /// A second node.
    worker: Option<Worker>,
}

async fn torture(setup: Setup, worker: Option<Worker>, store: &str, kills: usize) {
    let (random, seed) = Random::new();
    println!("kills on {store}: RANGEHAND_TORTURE_SEED={seed}");
    let app = setup.set("RANGEHAND__RUNS__MAX_CONCURRENT", AT_ONCE.to_string()).start();
    let begun = Instant::now();
    let mut torture = Torture {
        app,
        started: begun,
        random,
        jobs: Vec::new(),
        hit: Hit::default(),
        kills: Kills::default(),
        worker,
    };
    while torture.kills.all() < kills && (is_long() || begun.elapsed() < SHORT) {
        torture.ask_for_more().await;
        // Often before anything has begun, now and then when much has.
        let longest = if torture.random.one_in(4) { 5000 } else { 900 };
        torture.pause(longest).await;
        torture.kill_something().await;
    }
    let ends = truth::assert_all(&torture.app, &torture.jobs, &torture.hit).await;
    torture.assert_nothing_is_left(store, &ends).await;
}

impl Torture {
    /// The directories of runs of all nodes, each with where the secrets of its node are.
    fn runs(&self) -> Vec<(PathBuf, PathBuf)> {
        let with = |runtime: PathBuf| move |run| (run, runtime.clone());
        let mine = self.app.run_directories().into_iter().map(with(self.app.runtime().to_owned()));
        let of_worker = self.worker.iter().flat_map(|worker| {
            let runtime = Path::new("/dev/shm").join(worker.home().file_name().expect("a name"));
            runs_in(worker.home()).into_iter().map(with(runtime))
        });
        mine.chain(of_worker).collect()
    }

    async fn pause(&mut self, longest_ms: u64) {
        let pause = Duration::from_millis(self.random.below(longest_ms));
        tokio::time::sleep(pause).await;
    }

    /// Submits a few jobs unless enough are queued.
    async fn ask_for_more(&mut self) {
        let most = AT_ONCE * (1 + usize::from(self.worker.is_some()));
        let queued = self.app.get("/v1/jobs?state=queued&limit=100", 200).await;
        let waiting = queued["items"].as_array().expect("a page has items").len() + self.runs().len();
        for _ in waiting..most + 1 {
            let seconds = if self.random.one_in(5) { 2.0 } else { 0.1 };
            let fail = self.random.one_in(4);
            let submitted = SubmittedJob::real(&self.app, self.jobs.len(), seconds, fail).await;
            self.jobs.push(submitted);
        }
    }

    async fn kill_something(&mut self) {
        match self.random.below(12) {
            0 => {
                self.kill_the_service();
                self.kill_a_supervisor();
                self.start_again().await;
            }
            1 | 2 => self.kill_a_supervisor(),
            3 | 4 => self.kill_a_beginner(),
            5 => self.kill_a_child(),
            6 | 7 if self.worker.is_some() => self.kill_the_worker().await,
            _ => {
                self.kill_the_service();
                self.start_again().await;
            }
        }
    }

    fn kill_the_service(&mut self) {
        self.app.kill();
        self.kills.service += 1;
        self.kills.young += usize::from(self.started.elapsed() < Duration::from_secs(1));
    }

    async fn start_again(&mut self) {
        self.pause(200).await;
        self.app.start_again();
        self.started = Instant::now();
    }

    async fn kill_the_worker(&mut self) {
        let Some(mut worker) = self.worker.take() else { return };
        worker.kill();
        self.kills.worker += 1;
        self.pause(200).await;
        worker.start_again();
        self.worker = Some(worker);
    }

    fn any<T>(&mut self, mut things: Vec<T>) -> Option<T> {
        let count = u64::try_from(things.len()).expect("a small number");
        (count > 0)
            .then(|| things.swap_remove(usize::try_from(self.random.below(count)).expect("a small number")))
    }

    /// Stops the supervisor of any active run. There may be none.
    fn stop_any(&mut self) -> Option<Stopped> {
        let runs = self.runs();
        let (run, runtime) = self.any(runs)?;
        Stopped::stop(&run, &runtime)
    }

    fn kill_a_supervisor(&mut self) {
        let Some(stopped) = self.stop_any() else { return };
        if !victims::signal(stopped.pid, Signal::KILL) {
            return;
        }
        if stopped.has_begun {
            self.kills.supervisors += 1;
            self.hit.supervisors.extend(stopped.names);
        } else {
            self.kills.unbegun += 1;
        }
    }

    /// One of the processes by which runs begin.
    fn kill_a_beginner(&mut self) {
        let beginners = victims::beginners(self.app.pid());
        if let Some(beginner) = self.any(beginners) {
            self.kills.beginners += usize::from(victims::signal(beginner, Signal::KILL));
        }
    }

    /// What runs Ansible, or is about to.
    fn kill_a_child(&mut self) {
        let Some(stopped) = self.stop_any() else { return };
        if let Some(child) = self.any(stopped.children())
            && victims::signal(child, Signal::KILL)
        {
            self.kills.children += 1;
            self.hit.children.extend(stopped.names.iter().cloned());
        }
        stopped.resume();
    }

    async fn assert_nothing_is_left(mut self, store: &str, ends: &truth::Ends) {
        drop(self.worker.take());
        self.app.stop();
        let home = format!("HOME={}", self.app.home().display());
        until("no process of the service is left", || processes_with_environment(&home).is_empty()).await;
        let states: Vec<_> = ends.states.iter().map(|(state, count)| format!("{count} {state}")).collect();
        let Kills { service, young, worker, supervisors, unbegun, beginners, children } = self.kills;
        let of_worker = if worker > 0 { format!("{worker} of the worker, ") } else { String::new() };
        println!(
            "figure: kills of warm runs on {store} | {} SIGKILLs: {service} of the service ({young} within a second after its \
             start), {of_worker}{supervisors} of active supervisors, {unbegun} of supervisors that had not begun, {beginners} of \
             processes with Ansible imported and those they keep for runs, {children} of processes that run Ansible; {} jobs: {}; \
             {} times a run that never began went back to the queue | 0 lost that never began, 0 begun twice, 0 false ends, \
             0 gaps or repeats in event numbers, 0 processes, directories or secrets left",
            self.kills.all(),
            self.jobs.len(),
            states.join(", "),
            ends.requeued,
        );
    }
}
