//! What Ansible printed, line by line.
//!
//! Lines are counted from 1 over the whole log, as the store does: the text of an event is as many lines as it
//! has line ends, and one more. A reader goes through the store at its own pace and holds one batch.

use std::time::Duration;

use model::{EventKind, Job, JobId};
pub use process::log_text::colored;
use process::log_text::plain;
use store::EventQuery;
use tokio::time::{Instant, timeout_at};

use super::handle::Events;
use crate::{changes::Subscription, error::JobError};

/// How many events one batch covers at most.
const BATCH: u32 = 100;

/// Which lines are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogQuery {
    /// The first one; 1 when it is not said.
    pub from: Option<u64>,
    /// At most so many.
    pub limit: Option<u64>,
    /// Does it go on until the job has ended, or is what is there now all?
    pub follow: bool,
}

/// What comes next in a log.
#[derive(Debug)]
pub enum NextText {
    /// What events printed, each with its colours and without its last line end.
    Texts(Vec<String>),
    /// Nothing was printed for as long as the caller wanted to wait.
    Quiet,
    /// That was all.
    End,
}

/// The place of a client in a log.
#[derive(Debug)]
pub struct LogReader {
    events: Events,
    job: JobId,
    after: u64,
    /// How many lines are to be left out before the first one that is wanted.
    skip: u64,
    /// How many lines are still wanted.
    left: Option<u64>,
    follow: bool,
    changes: Subscription,
    /// How many lines there were at the beginning.
    pub lines: u64,
    /// The line after the last one that this reader gives, when there was one at the beginning.
    pub next: Option<u64>,
}

impl Events {
    /// Opens the log of a job.
    ///
    /// # Errors
    /// When there is no such job.
    pub async fn log(&self, job: JobId, query: LogQuery) -> Result<LogReader, JobError> {
        let changes = self.changes_of(job);
        let lines = self.store().line_count(job).await?.ok_or(JobError::UnknownJob(job))?;
        let from = query.from.unwrap_or(1).max(1);
        // From a line that is not there yet, the way leads from the last one that is.
        let place = match from.min(lines) {
            1.. if from > 1 => self.store().log_place(job, from.min(lines)).await?,
            _ => None,
        };
        let (after, first_line) = place.map_or((0, 1), |place| (place.seq - 1, place.first_line));
        let there = (lines + 1).saturating_sub(from);
        let left = if query.follow { query.limit } else { Some(query.limit.unwrap_or(u64::MAX).min(there)) };
        let next = left.filter(|left| *left < there).map(|left| from + left);
        let (events, skip, follow) = (self.clone(), from - first_line, query.follow);
        Ok(LogReader { events, job, after, skip, left, follow, changes, lines, next })
    }

    /// The log of the last step that ran, without colors, for callers that must have it in one piece and know of no steps.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn log_of_last_step(&self, job: &Job) -> Result<String, JobError> {
        let mut reader = self.log(job.id, LogQuery::default()).await?;
        if job.request.work.as_playbook().is_some_and(|work| !work.before.is_empty()) {
            let steps = EventQuery { kind: Some(EventKind::STEP), limit: u32::MAX, ..EventQuery::default() };
            let steps = self.store().events(job.id, &steps).await?;
            reader.after = steps.last().map_or(0, |event| event.seq);
            reader.left = None;
        }
        reader.whole().await
    }
}

impl LogReader {
    /// All that is left, without colours.
    async fn whole(mut self) -> Result<String, JobError> {
        let mut whole = String::new();
        while let NextText::Texts(texts) = self.next(Duration::ZERO).await? {
            for line in texts.iter().flat_map(|text| plain_lines(text)) {
                whole.push_str(&line);
                whole.push('\n');
            }
        }
        Ok(whole)
    }

    /// Gives what comes next; one that follows waits for it at most this long.
    ///
    /// # Errors
    /// When the store fails, or the job was deleted meanwhile.
    pub async fn next(&mut self, at_most: Duration) -> Result<NextText, JobError> {
        let give_up = Instant::now() + at_most;
        while self.left != Some(0) {
            // As in [`crate::Following`]: first whether it has ended, then what there is.
            let has_ended = !self.follow || self.events.job(self.job).await?.state.is_terminal();
            let printed = self.events.store().event_lines(self.job, self.after, BATCH).await?;
            let Some(&(last, _)) = printed.last() else {
                if has_ended {
                    return Ok(NextText::End);
                }
                if timeout_at(give_up, self.changes.changed()).await.is_err() {
                    return Ok(NextText::Quiet);
                }
                continue;
            };
            self.after = last;
            let texts: Vec<_> = printed.into_iter().filter_map(|(_, text)| self.cut(text)).collect();
            if !texts.is_empty() {
                return Ok(NextText::Texts(texts));
            }
        }
        Ok(NextText::End)
    }

    /// The lines of a text that are wanted; `None` when none is.
    fn cut(&mut self, text: String) -> Option<String> {
        let lines = 1 + text.bytes().filter(|byte| *byte == b'\n').count() as u64;
        let skipped = self.skip.min(lines);
        self.skip -= skipped;
        let taken = (lines - skipped).min(self.left.unwrap_or(u64::MAX));
        self.left = self.left.map(|left| left - taken);
        if taken == 0 {
            return None;
        }
        if taken == lines {
            return Some(text);
        }
        let ends = text.match_indices('\n').map(|(at, _)| at);
        let begin = usize::try_from(skipped).ok().filter(|lines| *lines > 0);
        let begin = begin.and_then(|lines| ends.clone().nth(lines - 1)).map_or(0, |at| at + 1);
        let last = usize::try_from(skipped + taken - 1).ok();
        let end = last.and_then(|line| ends.clone().nth(line)).unwrap_or(text.len());
        Some(text[begin..end].to_owned())
    }
}

/// The lines of what an event printed, without colours. Each line is cleaned by itself: an escape sequence that
/// never ends must not take the next lines with it, or they would be counted in one place and not in another.
pub fn plain_lines(stdout: &str) -> impl Iterator<Item = String> {
    stdout.split('\n').map(plain)
}
