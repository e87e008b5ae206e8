//! How far a plan is, when it will end, and why a step waits.

use std::time::Duration;

use model::{JournalPhase, StepState};
use tokio::time::Instant;

use crate::board::Board;

/// How far a plan is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// Which way it goes.
    pub phase: JournalPhase,
    /// All steps.
    pub total: usize,
    /// Steps that are done.
    pub done: usize,
    /// Steps that a call is made for, or that wait for another try.
    pub running: usize,
    /// How many times the estimates steps took so far; 1 before any is done.
    pub pace: f64,
    /// The time until all steps are done, by estimates and pace; `None` unless the plan goes forward.
    pub remaining: Option<Duration>,
}

/// Why a step does not run just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// For these steps: those that it needs, or on the way back those that need it.
    For(Vec<u32>),
    /// As many steps as allowed run at once.
    AtOnce,
    /// As many steps of this class as allowed run at once.
    Class(String),
    /// A call is repeated after this time.
    Repeats {
        /// The time from now.
        after: Duration,
        /// Why the last call is repeated.
        why: String,
    },
    /// Nothing new begins because a step failed or the plan was canceled.
    Draining,
    /// It begins at once.
    Turn,
}

impl Board {
    pub(crate) fn progress(&self, now: Instant) -> Progress {
        let done = self.entries.iter().filter(|entry| entry.state == StepState::Done).count();
        let pace = self.pace();
        Progress {
            phase: self.phase,
            total: self.entries.len(),
            done,
            running: self.ready.running(),
            pace,
            remaining: (self.phase == JournalPhase::Forward && !self.is_draining)
                .then(|| self.remaining(pace, now)),
        }
    }

    /// Observed over estimated time of the steps that are done. One more step that took as long as estimated keeps the first ones from
    /// deciding alone.
    fn pace(&self) -> f64 {
        let (mut took, mut estimated, mut count) = (0.0, 0.0, 0.0);
        for (entry, step) in self.entries.iter().zip(self.graph.steps()) {
            if let (StepState::Done, Some(ms)) = (entry.state, entry.took_ms) {
                took += Duration::from_millis(ms).as_secs_f64();
                estimated += step.estimate.as_secs_f64();
                count += 1.0;
            }
        }
        if estimated > 0.0 {
            let usual = estimated / count;
            (took + usual) / (estimated + usual)
        } else {
            1.0
        }
    }

    /// The longest of: the critical path of what is left; what is left divided by how many steps run at once, and likewise for each
    /// class.
    fn remaining(&self, pace: f64, now: Instant) -> Duration {
        let mut ends = vec![0.0_f64; self.entries.len()];
        let mut rest_of_class = vec![0.0_f64; self.graph.classes().len()];
        let (mut rest_of_all, mut last) = (0.0_f64, 0.0_f64);
        for step in self.graph.order().iter().map(|step| *step as usize) {
            let of = &self.graph.steps()[step];
            let rest = self.rest(step, pace, now);
            let begin = of.needs.iter().map(|need| ends[*need as usize]).fold(0.0, f64::max);
            ends[step] = begin + rest;
            last = last.max(ends[step]);
            rest_of_all += rest;
            of.classes.iter().for_each(|class| rest_of_class[*class] += rest);
        }
        let by_class = rest_of_class.iter().zip(self.graph.classes());
        let by_class = by_class.map(|(rest, class)| rest / count(class.limit)).fold(0.0, f64::max);
        let longest = last.max(rest_of_all / count(self.options.at_once)).max(by_class);
        Duration::try_from_secs_f64(longest).unwrap_or(Duration::MAX)
    }

    fn rest(&self, step: usize, pace: f64, now: Instant) -> f64 {
        if self.entries[step].state == StepState::Done {
            return 0.0;
        }
        let whole = self.graph.steps()[step].estimate.as_secs_f64() * pace;
        match (self.live[step].is_running, self.live[step].began) {
            (true, Some(began)) => (whole - now.saturating_duration_since(began).as_secs_f64()).max(0.0),
            _ => whole,
        }
    }

    pub(crate) fn waiting(&self, step: u32, now: Instant) -> Option<Waiting> {
        let (entry, live) = (self.entries.get(step as usize)?, &self.live[step as usize]);
        if let Some((until, why)) = &live.pause {
            let after = until.saturating_duration_since(now);
            return Some(Waiting::Repeats { after, why: why.clone() });
        }
        let is_over = match self.phase {
            JournalPhase::Forward => matches!(entry.state, StepState::Done | StepState::Failed),
            JournalPhase::Back => live.is_settled,
            JournalPhase::Ended => true,
        };
        if is_over || live.is_running {
            return None;
        }
        if entry.state == StepState::Pending && self.is_draining {
            return Some(Waiting::Draining);
        }
        let of = self.graph.step(step);
        if self.open[step as usize] > 0 {
            let is_open = |other: &&u32| match self.phase {
                JournalPhase::Back => !self.live[**other as usize].is_settled,
                _ => self.entries[**other as usize].state != StepState::Done,
            };
            let others =
                if self.phase == JournalPhase::Back { self.graph.dependents(step) } else { &of.needs };
            return Some(Waiting::For(others.iter().filter(is_open).copied().collect()));
        }
        if self.ready.is_full() {
            return Some(Waiting::AtOnce);
        }
        let full = of.classes.iter().find(|class| self.ready.is_class_full(&self.graph, **class));
        Some(full.map_or(Waiting::Turn, |class| Waiting::Class(self.graph.classes()[*class].name.clone())))
    }

    pub(crate) fn running_forward(&self) -> Vec<u32> {
        let is_running = |live: &crate::board::Live| live.is_running && self.phase == JournalPhase::Forward;
        (0..).zip(&self.live).filter(|(_, live)| is_running(live)).map(|(step, _)| step).collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "no limit is that large")]
fn count(limit: usize) -> f64 {
    limit.max(1) as f64
}
