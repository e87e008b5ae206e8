//! Runs a saga: calls platforms, feeds their replies to the board, and records each decision before it acts on it.
//!
//! One task does all of it, so dropping the run is the same as a crash. All replies that have arrived go into one write.

use std::{
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use model::{JournalEntry, journal::IllegalMove};
use tokio::{
    select,
    sync::watch,
    time::{Instant, sleep, timeout},
};

use crate::{
    Actions, Event, Failure, Goal, Graph, Journal, Options, Outcome, Progress, Waiting,
    board::{Batch, Board, Call},
    replies::{Received, Reply},
};

/// Why a saga stopped before its plan ended. What the journal records is where it continues.
#[derive(Debug, thiserror::Error)]
pub enum Error<E: std::error::Error + Send + Sync + 'static> {
    /// The journal could not be read or written; another holder may have the plan.
    #[error("the journal of the plan failed")]
    Journal(#[source] E),
    /// The journal is that of another plan.
    #[error("the journal has other steps than the plan")]
    OtherPlan,
    /// The journal has a step in a state from which it cannot move this way.
    #[error(transparent)]
    Illegal(#[from] IllegalMove),
}

/// Carries out one plan.
pub struct Saga {
    shared: Handle,
    /// Wakes steps that wait for another try when the plan is about to end.
    draining: watch::Sender<bool>,
}

/// A view of a saga, for others than the one that runs it. Clones are of the same saga.
#[derive(Clone)]
pub struct Handle {
    board: Arc<Mutex<Board>>,
    cancel: Arc<watch::Sender<bool>>,
}

impl Handle {
    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the plan at the next safe point: running steps end, nothing new begins, then what was made is undone or kept.
    pub fn cancel(&self) {
        self.cancel.send_replace(true);
    }

    /// How far the plan is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.board().progress(Instant::now())
    }

    /// Why a step does not run just now; `None` if it runs or has ended.
    #[must_use]
    pub fn waiting(&self, step: u32) -> Option<Waiting> {
        self.board().waiting(step, Instant::now())
    }

    /// What is recorded of all steps.
    #[must_use]
    pub fn entries(&self) -> Vec<JournalEntry> {
        self.board().entries.clone()
    }
}

type Calls<'a> = FuturesUnordered<BoxFuture<'a, Received>>;

impl Saga {
    /// A saga of a plan; `random` spreads repeated calls in time.
    #[must_use]
    pub fn new(graph: Graph, options: Options, random: impl FnMut() -> u32 + Send + 'static) -> Self {
        let board = Board::new(Arc::new(graph), options, Box::new(random));
        let board = Arc::new(Mutex::new(board));
        let shared = Handle { board, cancel: Arc::new(watch::Sender::new(false)) };
        Self { shared, draining: watch::Sender::new(false) }
    }

    /// A view of it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.shared.clone()
    }

    /// Runs the plan to its end, from the state of its journal. `report` gets each event once it is durable. Dropping the run
    /// keeps the journal: this process or another one can continue it.
    ///
    /// # Errors
    /// If the journal fails, or is that of another plan. Calls in progress are dropped then.
    pub async fn run<J: Journal>(
        &mut self,
        goal: Goal,
        journal: &J,
        actions: &impl Actions,
        mut report: impl FnMut(&Event) + Send,
    ) -> Result<Outcome, Error<J::Error>> {
        let mut batch = self.load(goal, journal).await?;
        self.draining.send_replace(self.shared.board().is_draining);
        let mut canceled = self.shared.cancel.subscribe();
        let mut is_canceled = false;
        let mut calls: Calls<'_> = FuturesUnordered::new();
        let mut received = Vec::new();
        loop {
            self.record(journal, &batch, &mut calls, &mut received).await?;
            batch.events.iter().for_each(&mut report);
            for (step, call) in batch.calls {
                calls.push(self.call(step, call, actions));
            }
            if let Some(outcome) = batch.outcome {
                return Ok(outcome);
            }
            if !is_canceled && *canceled.borrow_and_update() {
                is_canceled = true;
                self.cancel_running(actions);
            }
            while received.is_empty() && !calls.is_empty() {
                select! {
                    biased;
                    Some(reply) = calls.next() => received.push(reply),
                    Ok(()) = canceled.changed(), if !is_canceled => {
                        is_canceled = true;
                        self.cancel_running(actions);
                    }
                }
            }
            while let Some(Some(reply)) = calls.next().now_or_never() {
                received.push(reply);
            }
            batch = self.decide(&mut received, actions)?;
        }
    }

    /// Reads the journal, and has the first steps begin.
    async fn load<J: Journal>(&self, goal: Goal, journal: &J) -> Result<Batch, Error<J::Error>> {
        let record = journal.read().await.map_err(Error::Journal)?;
        let (graph, is_new) = (Arc::clone(&self.shared.board().graph), record.is_none());
        if let Some(record) = &record {
            let tags = record.entries.iter().map(|entry| &entry.tag);
            if !tags.eq(graph.steps().iter().map(|step| &step.tag)) {
                return Err(Error::OtherPlan);
            }
        }
        let mut batch = Batch::default();
        self.shared.board().load(record, goal, &mut batch)?;
        if is_new {
            let entries = self.shared.entries();
            journal.begin(&entries).await.map_err(Error::Journal)?;
        }
        if *self.shared.cancel.borrow() {
            self.shared.board().cancel();
        }
        self.shared.board().next(Instant::now(), &mut batch)?;
        Ok(batch)
    }

    /// Makes changes durable. Running calls continue meanwhile.
    async fn record<J: Journal>(
        &self,
        journal: &J,
        batch: &Batch,
        calls: &mut Calls<'_>,
        received: &mut Vec<Received>,
    ) -> Result<(), Error<J::Error>> {
        if batch.changes.is_empty() && !batch.is_turn {
            return Ok(());
        }
        let phase = self.shared.board().phase;
        let mut write = pin!(journal.write(phase, &batch.changes));
        loop {
            select! {
                biased;
                written = &mut write => return written.map_err(Error::Journal),
                Some(reply) = calls.next() => received.push(reply),
            }
        }
    }

    fn decide(&self, received: &mut Vec<Received>, actions: &impl Actions) -> Result<Batch, IllegalMove> {
        let mut batch = Batch::default();
        let mut board = self.shared.board();
        for received in received.drain(..) {
            board.take(received, &|step| actions.remedy(step), &mut batch)?;
        }
        board.next(Instant::now(), &mut batch)?;
        if board.is_draining {
            self.draining.send_replace(true);
        }
        Ok(batch)
    }

    fn cancel_running(&self, actions: &impl Actions) {
        let running = {
            let mut board = self.shared.board();
            board.cancel();
            board.running_forward()
        };
        running.into_iter().for_each(|step| actions.cancel(step));
        self.draining.send_replace(true);
    }

    fn call<'a>(&self, step: u32, call: Call, actions: &'a impl Actions) -> BoxFuture<'a, Received> {
        let limit = self.shared.board().graph.step(step).limit;
        let mut draining = self.draining.subscribe();
        let reply = async move {
            let late = || Failure::Unknown { why: format!("no answer within {limit:?}") };
            match call {
                Call::Perform(found) => {
                    let call = timeout(limit, actions.perform(step, found.as_ref()));
                    Reply::Performed(call.await.unwrap_or_else(|_| Err(late())))
                }
                Call::Wait(handle) => {
                    let call = timeout(limit, actions.wait(step, &handle));
                    Reply::Waited(call.await.unwrap_or_else(|_| Err(late())))
                }
                Call::LookUp => {
                    let call = timeout(limit, actions.look_up(step));
                    Reply::Found(call.await.unwrap_or_else(|_| Err(late())))
                }
                Call::Undo(entry) => {
                    let call = timeout(limit, actions.undo(step, &entry));
                    Reply::Undone(call.await.unwrap_or_else(|_| Err(late())))
                }
                Call::Pause { time, hurries, then } => {
                    select! {
                        () = sleep(time) => {}
                        Ok(_) = draining.wait_for(|draining| *draining), if hurries => {}
                    }
                    Reply::Paused(*then)
                }
            }
        };
        reply.map(move |reply| Received { step, reply, at: Instant::now() }).boxed()
    }
}
