//! All that a saga knows of its plan, and what follows from it: which steps begin, when the plan turns back, when it ends.
//!
//! Nothing here waits: replies of platforms come in, changes for the journal and calls come out. `replies.rs` handles replies.

use std::{sync::Arc, time::Duration};

use model::{
    JournalChange, JournalEntry, JournalPhase, JournalRecord, StepMove, StepState,
    journal::{IllegalMove, apply},
};
use tokio::time::Instant;

use crate::{Event, Found, Goal, Graph, OnFailure, Options, Outcome, ready::Ready};

/// Why the result of a call is unknown after a crash.
const ABANDONED: &str = "the former holder of the plan stopped during the call";

/// A call for a step.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    Perform(Option<Found>),
    Wait(String),
    LookUp,
    Undo(Box<JournalEntry>),
    /// Another call after a time. One that hurries is made at once when the plan is about to end.
    Pause {
        time: Duration,
        hurries: bool,
        then: Box<Self>,
    },
}

/// What is to be done: the changes first, and once they are durable, the calls.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) changes: Vec<JournalChange>,
    pub(crate) calls: Vec<(u32, Call)>,
    pub(crate) events: Vec<Event>,
    pub(crate) is_turn: bool,
    pub(crate) outcome: Option<Outcome>,
}

/// What a step is about just now.
#[derive(Debug, Default, Clone)]
pub(crate) struct Live {
    pub(crate) is_running: bool,
    pub(crate) began: Option<Instant>,
    /// Did it begin earlier, so that it isn't known how long it takes as a whole?
    pub(crate) is_resumed: bool,
    /// Calls to carry out or undo the step that failed.
    pub(crate) tries: u32,
    /// Consecutive look-ups and waits that failed.
    pub(crate) queries: u32,
    /// Until when it pauses, and why.
    pub(crate) pause: Option<(Instant, String)>,
    /// Its last call was answered, so a look-up can't come before that call was carried out.
    pub(crate) is_answered: bool,
    /// On the way back: nothing more is done about it.
    pub(crate) is_settled: bool,
}

pub(crate) struct Board {
    pub(crate) graph: Arc<Graph>,
    pub(crate) options: Options,
    pub(crate) phase: JournalPhase,
    pub(crate) entries: Vec<JournalEntry>,
    pub(crate) live: Vec<Live>,
    pub(crate) ready: Ready,
    /// How many steps each one waits for: needs on the way forward, dependents on the way back.
    pub(crate) open: Vec<usize>,
    /// Nothing new begins any more.
    pub(crate) is_draining: bool,
    pub(crate) is_canceled: bool,
    pub(crate) random: Box<dyn FnMut() -> u32 + Send>,
}

impl Board {
    pub(crate) fn new(graph: Arc<Graph>, options: Options, random: Box<dyn FnMut() -> u32 + Send>) -> Self {
        let entries = graph.steps().iter().map(|step| JournalEntry::pending(step.tag.clone())).collect();
        Self {
            live: vec![Live::default(); graph.steps().len()],
            ready: Ready::new(&graph, options.at_once),
            open: vec![0; graph.steps().len()],
            phase: JournalPhase::Forward,
            is_draining: false,
            is_canceled: false,
            entries,
            graph,
            options,
            random,
        }
    }

    /// Begins from what the journal records, and brings it into the form that the goal needs.
    pub(crate) fn load(
        &mut self,
        record: Option<JournalRecord>,
        goal: Goal,
        batch: &mut Batch,
    ) -> Result<(), IllegalMove> {
        *self = Self::new(
            Arc::clone(&self.graph),
            self.options,
            std::mem::replace(&mut self.random, Box::new(|| 0)),
        );
        if let Some(record) = record {
            self.phase = record.phase;
            self.entries = record.entries;
        }
        match goal {
            Goal::Continue => {}
            Goal::Resume => {
                for step in 0..self.count() {
                    match self.entries[step as usize].state {
                        StepState::Undone => self.advance(batch, step, StepMove::Reset, clear)?,
                        state @ (StepState::Failed | StepState::Undoing | StepState::Left) => {
                            self.live[step as usize].is_answered = state != StepState::Undoing;
                            self.advance(batch, step, StepMove::Lose, |entry| entry.remedy = None)?;
                        }
                        StepState::Pending | StepState::Started | StepState::Done | StepState::Unknown => {}
                    }
                }
                self.turn(JournalPhase::Forward, batch);
            }
            Goal::Rollback => {
                self.turn(JournalPhase::Back, batch);
            }
        }
        match self.phase {
            JournalPhase::Forward => self.go_forward(),
            JournalPhase::Back => self.go_back(goal == Goal::Rollback),
            JournalPhase::Ended => {}
        }
        Ok(())
    }

    #[expect(clippy::cast_possible_truncation, reason = "a graph has no more steps than fit")]
    fn count(&self) -> u32 {
        self.entries.len() as u32
    }

    fn is_done(&self, step: u32) -> bool {
        self.entries[step as usize].state == StepState::Done
    }

    fn go_forward(&mut self) {
        for step in 0..self.count() {
            let needs = &self.graph.step(step).needs;
            self.open[step as usize] = needs.iter().filter(|need| !self.is_done(**need)).count();
            let is_open = match self.entries[step as usize].state {
                StepState::Done => false,
                StepState::Failed => {
                    self.is_draining = true;
                    false
                }
                _ => true,
            };
            if is_open && self.open[step as usize] == 0 {
                self.ready.push(&self.graph, step, self.graph.remaining(step));
            }
        }
        if self.is_draining {
            self.drain();
        }
    }

    /// From here on nothing new begins; what may have begun is brought to a known state.
    pub(crate) fn drain(&mut self) {
        self.is_draining = true;
        let entries = &self.entries;
        self.ready.retain(|step| entries[step as usize].state != StepState::Pending);
    }

    pub(crate) fn cancel(&mut self) {
        self.is_canceled = true;
        if self.phase == JournalPhase::Forward {
            self.drain();
        }
    }

    fn go_back(&mut self, tries_left_again: bool) {
        self.is_draining = true;
        let graph = Arc::clone(&self.graph);
        for step in 0..self.count() {
            let state = self.entries[step as usize].state;
            let live = &mut self.live[step as usize];
            *live = Live::default();
            live.is_settled = !state.may_have_changed() || (state == StepState::Left && !tries_left_again);
        }
        for step in 0..self.count() {
            let dependents = graph.dependents(step);
            let open = dependents.iter().filter(|dependent| !self.live[**dependent as usize].is_settled);
            self.open[step as usize] = open.count();
            if self.open[step as usize] == 0 && !self.live[step as usize].is_settled {
                self.ready.push(&graph, step, graph.elapsed(step));
            }
        }
    }

    fn turn(&mut self, phase: JournalPhase, batch: &mut Batch) {
        if self.phase != phase {
            self.phase = phase;
            batch.is_turn = true;
            batch.events.push(Event::Phase(phase));
        }
    }

    /// Has steps begin as far as limits allow; turns back or ends the plan when nothing is left to do.
    pub(crate) fn next(&mut self, now: Instant, batch: &mut Batch) -> Result<(), IllegalMove> {
        if self.phase == JournalPhase::Forward && self.ready.running() == 0 && self.ready.is_empty() {
            let all_done = self.entries.iter().all(|entry| entry.state == StepState::Done);
            if self.options.on_failure == OnFailure::Rollback && !all_done {
                self.turn(JournalPhase::Back, batch);
                self.go_back(true);
            } else {
                self.turn(JournalPhase::Ended, batch);
            }
        }
        let graph = Arc::clone(&self.graph);
        while let Some(step) = self.ready.take(&graph) {
            let live = &mut self.live[step as usize];
            live.is_running = true;
            live.began = Some(now);
            live.is_resumed = self.entries[step as usize].state != StepState::Pending;
            self.begin(step, now, batch)?;
        }
        if self.phase == JournalPhase::Back && self.ready.running() == 0 {
            self.turn(JournalPhase::Ended, batch);
        }
        if self.phase == JournalPhase::Ended {
            batch.outcome = Some(Outcome::of(&self.entries, self.is_canceled));
        }
        Ok(())
    }

    fn begin(&mut self, step: u32, now: Instant, batch: &mut Batch) -> Result<(), IllegalMove> {
        let entry = &self.entries[step as usize];
        let handle = entry.handle.clone();
        match (self.phase, entry.state) {
            (JournalPhase::Back, StepState::Started | StepState::Unknown) => {
                if entry.state == StepState::Started {
                    self.advance(batch, step, StepMove::Lose, |entry| set_why(entry, ABANDONED))?;
                }
                if handle.is_some() {
                    self.undo(step, batch)?;
                } else {
                    self.settle(step, Call::Undo(Box::new(self.entries[step as usize].clone())), now, batch);
                }
            }
            (JournalPhase::Back, _) => self.undo(step, batch)?,
            (_, StepState::Started) => match handle {
                Some(handle) => batch.calls.push((step, Call::Wait(handle))),
                None => {
                    self.advance(batch, step, StepMove::Lose, |entry| set_why(entry, ABANDONED))?;
                    self.settle(step, Call::LookUp, now, batch);
                }
            },
            (_, StepState::Unknown) if self.live[step as usize].is_answered => {
                batch.calls.push((step, Call::LookUp));
            }
            (_, StepState::Unknown) => self.settle(step, Call::LookUp, now, batch),
            _ => {
                self.advance(batch, step, StepMove::Start, clear)?;
                batch.calls.push((step, Call::Perform(None)));
            }
        }
        Ok(())
    }

    /// A call that is of use only once a former call whose result is unknown cannot be carried out any more.
    pub(crate) fn settle(&mut self, step: u32, then: Call, now: Instant, batch: &mut Batch) {
        let time = self.options.settle;
        let why = self.entries[step as usize].why.clone().unwrap_or_default();
        self.live[step as usize].pause = Some((now + time, why));
        batch.calls.push((step, Call::Pause { time, hurries: false, then: Box::new(then) }));
    }

    /// Has a step undone.
    pub(crate) fn undo(&mut self, step: u32, batch: &mut Batch) -> Result<(), IllegalMove> {
        // It is already `undoing` if the former holder stopped meanwhile.
        if self.entries[step as usize].state != StepState::Undoing {
            self.advance(batch, step, StepMove::Undo, |_| {})?;
        }
        let entry = Box::new(self.entries[step as usize].clone());
        batch.calls.push((step, Call::Undo(entry)));
        Ok(())
    }

    /// A step whose call ended: others may begin.
    pub(crate) fn finish(&mut self, step: u32) {
        let graph = Arc::clone(&self.graph);
        self.ready.release(&graph, step);
        let is_done = self.is_done(step);
        let live = &mut self.live[step as usize];
        live.is_running = false;
        live.pause = None;
        match self.phase {
            JournalPhase::Forward if is_done => {
                for dependent in graph.dependents(step) {
                    self.open[*dependent as usize] -= 1;
                    let is_new = self.entries[*dependent as usize].state == StepState::Pending;
                    if self.open[*dependent as usize] == 0 && !(is_new && self.is_draining) {
                        self.ready.push(&graph, *dependent, graph.remaining(*dependent));
                    }
                }
            }
            JournalPhase::Forward => self.drain(),
            JournalPhase::Back => {
                live.is_settled = true;
                for need in &graph.step(step).needs {
                    self.open[*need as usize] -= 1;
                    if self.open[*need as usize] == 0 && !self.live[*need as usize].is_settled {
                        self.ready.push(&graph, *need, graph.elapsed(*need));
                    }
                }
            }
            JournalPhase::Ended => {}
        }
    }

    /// Moves a step.
    pub(crate) fn advance(
        &mut self,
        batch: &mut Batch,
        step: u32,
        input: StepMove,
        edit: impl FnOnce(&mut JournalEntry),
    ) -> Result<(), IllegalMove> {
        let entry = &mut self.entries[step as usize];
        let from = entry.state;
        entry.state = apply(from, input)?;
        edit(entry);
        let of = self.graph.step(step);
        batch.events.push(Event::Moved {
            step,
            kind: of.kind.clone(),
            subject: of.subject.clone(),
            from,
            to: entry.state,
            why: entry.why.clone(),
        });
        batch.changes.push(JournalChange { step, from, entry: entry.clone() });
        Ok(())
    }
}

pub(crate) fn set_why(entry: &mut JournalEntry, why: &str) {
    entry.why = Some(why.to_owned());
}

/// Resets all but the tag of a step that is carried out again.
pub(crate) fn clear(entry: &mut JournalEntry) {
    let tag = std::mem::take(&mut entry.tag);
    *entry = JournalEntry { state: entry.state, ..JournalEntry::pending(tag) };
}
