//! Interprets replies of a platform for their steps.
//!
//! A call that creates is repeated only after a look-up, after any reply: platforms also carry out calls that they answer with
//! an error.

use std::time::Duration;

use model::{StepMove, StepState, journal::IllegalMove};
use tokio::time::Instant;

use crate::{
    Answer, Event, Failure, Found, Undo,
    board::{Batch, Board, Call, clear, set_why},
};

/// What a call returned.
#[derive(Debug)]
pub(crate) enum Reply {
    Performed(Result<Answer, Failure>),
    Waited(Result<Option<String>, Failure>),
    Found(Result<Found, Failure>),
    Undone(Result<Undo, Failure>),
    Paused(Call),
}

/// A reply with what it is for.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) step: u32,
    pub(crate) reply: Reply,
    pub(crate) at: Instant,
}

/// A call that is made after a while because another one failed.
struct Repetition {
    /// How many failed.
    calls: u32,
    after: Option<Duration>,
    why: String,
    then: Call,
    /// It is made at once when the plan is about to end.
    hurries: bool,
}

impl Board {
    /// Processes a reply. `remedy` describes how to remove by hand what a step creates.
    pub(crate) fn take(
        &mut self,
        Received { step, reply, at }: Received,
        remedy: &dyn Fn(u32) -> String,
        batch: &mut Batch,
    ) -> Result<(), IllegalMove> {
        self.live[step as usize].pause = None;
        match reply {
            Reply::Performed(Ok(Answer::Done(output))) | Reply::Waited(Ok(output)) => {
                self.succeed(step, output, at, batch)
            }
            Reply::Performed(Ok(Answer::Accepted(handle))) => {
                let call = Call::Wait(handle.clone());
                self.advance(batch, step, StepMove::Accept, |entry| entry.handle = Some(handle))?;
                batch.calls.push((step, call));
                Ok(())
            }
            Reply::Performed(Err(failure)) => self.not_performed(step, failure, at, batch),
            Reply::Waited(Err(failure)) => self.not_waited(step, failure, at, batch),
            Reply::Found(Ok(Found::Right(output))) => self.succeed(step, output, at, batch),
            Reply::Found(Ok(found)) => self.not_there(step, found, batch),
            Reply::Found(Err(Failure::Gone { .. })) => self.not_there(step, Found::Absent, batch),
            Reply::Found(Err(failure)) => self.not_found_out(step, failure, at, batch),
            Reply::Undone(Ok(Undo::Undone) | Err(Failure::Gone { .. })) => {
                self.advance(batch, step, StepMove::Reverse, |entry| entry.remedy = None)?;
                self.finish(step);
                Ok(())
            }
            Reply::Undone(Ok(Undo::Left { why, remedy })) => self.leave(step, why, remedy, batch),
            Reply::Undone(Err(failure)) => self.not_undone(step, failure, remedy, at, batch),
            // The move is recorded before the call.
            Reply::Paused(Call::Undo(_)) => self.undo(step, batch),
            Reply::Paused(call) => {
                batch.calls.push((step, call));
                Ok(())
            }
        }
    }

    fn succeed(
        &mut self,
        step: u32,
        output: Option<String>,
        at: Instant,
        batch: &mut Batch,
    ) -> Result<(), IllegalMove> {
        let live = &self.live[step as usize];
        let began = live.began.filter(|_| !live.is_resumed);
        let took = began.map(|began| at.saturating_duration_since(began));
        self.advance(batch, step, StepMove::Succeed, |entry| {
            clear(entry);
            entry.output = output;
            entry.took_ms = took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        })?;
        self.finish(step);
        Ok(())
    }

    fn fail(&mut self, step: u32, why: &str, batch: &mut Batch) -> Result<(), IllegalMove> {
        self.advance(batch, step, StepMove::Fail, |entry| {
            entry.handle = None;
            set_why(entry, why);
        })?;
        self.finish(step);
        Ok(())
    }

    fn not_performed(
        &mut self,
        step: u32,
        failure: Failure,
        at: Instant,
        batch: &mut Batch,
    ) -> Result<(), IllegalMove> {
        self.live[step as usize].tries += 1;
        match failure {
            Failure::Refused { why } | Failure::Gone { why } => self.fail(step, &why, batch),
            Failure::Retry { after, why } => {
                set_why(&mut self.entries[step as usize], &why);
                let calls = self.live[step as usize].tries;
                let repetition = Repetition { calls, after, why, then: Call::LookUp, hurries: true };
                self.repeat(step, repetition, at, batch);
                Ok(())
            }
            Failure::Unknown { why } => {
                self.advance(batch, step, StepMove::Lose, |entry| set_why(entry, &why))?;
                self.settle(step, Call::LookUp, at, batch);
                Ok(())
            }
        }
    }

    /// Waiting changes nothing, so it is repeated. After too many failures, the look-up decides.
    fn not_waited(
        &mut self,
        step: u32,
        failure: Failure,
        at: Instant,
        batch: &mut Batch,
    ) -> Result<(), IllegalMove> {
        let (after, why) = match failure {
            Failure::Refused { why } => return self.fail(step, &why, batch),
            Failure::Gone { why } => return self.lose_handle(step, &why, at, batch),
            Failure::Retry { after, why } => (after, why),
            Failure::Unknown { why } => (None, why),
        };
        let queries = self.query_failed(step);
        match self.entries[step as usize].handle.clone() {
            Some(handle) if queries < self.options.tries.max(1) => {
                let then = Call::Wait(handle);
                self.repeat(step, Repetition { calls: queries, after, why, then, hurries: false }, at, batch);
                Ok(())
            }
            _ => self.lose_handle(step, &why, at, batch),
        }
    }

    fn lose_handle(
        &mut self,
        step: u32,
        why: &str,
        at: Instant,
        batch: &mut Batch,
    ) -> Result<(), IllegalMove> {
        let live = &mut self.live[step as usize];
        (live.queries, live.tries) = (0, live.tries + 1);
        self.advance(batch, step, StepMove::Lose, |entry| set_why(entry, why))?;
        self.settle(step, Call::LookUp, at, batch);
        Ok(())
    }

    /// A look-up found nothing, or something else than the step creates.
    fn not_there(&mut self, step: u32, found: Found, batch: &mut Batch) -> Result<(), IllegalMove> {
        let live = &mut self.live[step as usize];
        live.queries = 0;
        let tries = live.tries;
        let before = self.entries[step as usize].why.clone().unwrap_or_default();
        if tries >= self.options.tries.max(1) {
            return self.fail(step, &format!("gave up after {tries} tries: {before}"), batch);
        }
        if self.is_draining {
            let why = format!("not carried out, and not tried again because the plan ends: {before}");
            return self.fail(step, &why, batch);
        }
        if self.entries[step as usize].state == StepState::Unknown {
            self.advance(batch, step, StepMove::Start, clear)?;
        }
        batch.calls.push((step, Call::Perform(Some(found))));
        Ok(())
    }

    /// A look-up failed. Until one succeeds, the result of the step is unknown.
    fn not_found_out(
        &mut self,
        step: u32,
        failure: Failure,
        at: Instant,
        batch: &mut Batch,
    ) -> Result<(), IllegalMove> {
        let (after, why, can_repeat) = match failure {
            Failure::Retry { after, why } => (after, why, true),
            Failure::Unknown { why } => (None, why, true),
            Failure::Refused { why } | Failure::Gone { why } => (None, why, false),
        };
        let queries = self.query_failed(step);
        if can_repeat && queries < self.options.tries.max(1) {
            let then = Call::LookUp;
            self.repeat(step, Repetition { calls: queries, after, why, then, hurries: false }, at, batch);
            return Ok(());
        }
        let before = self.entries[step as usize].why.clone().unwrap_or_default();
        let why = format!("{before}; the look-up failed: {why}");
        self.entries[step as usize].why = Some(why.clone());
        if self.entries[step as usize].state == StepState::Started {
            self.advance(batch, step, StepMove::Lose, |entry| set_why(entry, &why))?;
        }
        self.finish(step);
        Ok(())
    }

    fn not_undone(
        &mut self,
        step: u32,
        failure: Failure,
        remedy: &dyn Fn(u32) -> String,
        at: Instant,
        batch: &mut Batch,
    ) -> Result<(), IllegalMove> {
        let (after, why, can_repeat) = match failure {
            Failure::Retry { after, why } => (after, why, true),
            Failure::Unknown { why } => (Some(self.options.settle), why, true),
            Failure::Refused { why } | Failure::Gone { why } => (None, why, false),
        };
        let live = &mut self.live[step as usize];
        live.tries += 1;
        let tries = live.tries;
        if can_repeat && tries < self.options.tries.max(1) {
            let then = Call::Undo(Box::new(self.entries[step as usize].clone()));
            self.repeat(step, Repetition { calls: tries, after, why, then, hurries: false }, at, batch);
            return Ok(());
        }
        self.leave(step, why, remedy(step), batch)
    }

    fn leave(
        &mut self,
        step: u32,
        why: String,
        remedy: String,
        batch: &mut Batch,
    ) -> Result<(), IllegalMove> {
        self.advance(batch, step, StepMove::Leave, |entry| {
            entry.why = Some(match entry.why.take() {
                Some(before) => format!("{before}; not undone: {why}"),
                None => why,
            });
            entry.remedy = Some(remedy);
        })?;
        self.finish(step);
        Ok(())
    }

    fn query_failed(&mut self, step: u32) -> u32 {
        let live = &mut self.live[step as usize];
        live.queries += 1;
        live.queries
    }

    fn repeat(&mut self, step: u32, repetition: Repetition, at: Instant, batch: &mut Batch) {
        let Repetition { calls, after, why, then, hurries } = repetition;
        let random = (self.random)();
        let time = self.options.backoff.after(calls, after, random);
        let of = self.graph.step(step);
        let (kind, subject) = (of.kind.clone(), of.subject.clone());
        batch.events.push(Event::Repeats { step, kind, subject, after: time, why: why.clone() });
        self.live[step as usize].pause = Some((at + time, why));
        batch.calls.push((step, Call::Pause { time, hurries, then: Box::new(then) }));
    }
}
