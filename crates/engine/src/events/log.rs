//! The output of Ansible, line by line.
//!
//! Lines are numbered from 1 over the whole log, as in the store: the text of an event has one line more than it
//! has line ends. A reader reads from the store at its own pace and holds one batch.

use std::time::Duration;

use model::{EventKind, Job, JobId};
pub use process::log_text::colored;
use process::log_text::plain;
use store::EventQuery;
use tokio::time::{Instant, timeout_at};

use super::handle::Events;
use crate::{changes::Subscription, error::JobError};

/// Maximum number of events in one batch.
const BATCH: u32 = 100;

/// Selects lines of a log.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogQuery {
    /// The first line; 1 by default.
    pub from: Option<u64>,
    /// Maximum number of lines.
    pub limit: Option<u64>,
    /// Whether the reader continues until the job has ended; otherwise it ends with the lines that are stored now.
    pub follow: bool,
}

/// The next result of a log reader.
#[derive(Debug)]
pub enum NextText {
    /// The output of events, each with its colors and without its last line end.
    Texts(Vec<String>),
    /// Nothing was printed within the requested time.
    Quiet,
    /// All requested lines have been returned.
    End,
}

/// The position of a client in a log.
#[derive(Debug)]
pub struct LogReader {
    events: Events,
    job: JobId,
    after: u64,
    /// Number of lines to skip before the first requested line.
    skip: u64,
    /// Number of requested lines that remain.
    left: Option<u64>,
    follow: bool,
    changes: Subscription,
    /// Number of lines when the reader was created.
    pub lines: u64,
    /// The line after the last line that this reader returns, if it existed when the reader was created.
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
        // If the first requested line does not exist yet, start from the last line that does.
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

    /// The log of the last step that ran, without colors, for callers that need the whole log and do not support
    /// steps.
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
    /// All remaining lines, without colors.
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

    /// Returns the next lines; a reader that follows waits for them at most this long.
    ///
    /// # Errors
    /// When the store fails, or the job was deleted meanwhile.
    pub async fn next(&mut self, at_most: Duration) -> Result<NextText, JobError> {
        let give_up = Instant::now() + at_most;
        while self.left != Some(0) {
            // As in [`crate::Following`]: read first whether the job has ended, then the events.
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

    /// The requested lines of a text; `None` if there are none.
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

/// The lines of an event's output, without colors. Each line is cleaned separately: otherwise an unterminated
/// escape sequence would remove the following lines, and line numbers would differ from those in the store.
pub fn plain_lines(stdout: &str) -> impl Iterator<Item = String> {
    stdout.split('\n').map(plain)
}
