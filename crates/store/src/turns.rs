//! Fair scheduling between callers: the place of a job in the queue, and the limits of queued jobs.
//!
//! ```text
//! turn = queued_at - 1 min for each point of priority, but a minute after the caller's last job that waits
//! ```
//! So a caller that queues a hundred jobs at once spreads them over a hundred minutes, and another caller's job that comes a
//! second later is behind the first of them and before the others. The turn never changes while a job waits: the order of
//! the queue stays an index. Callers that are not known share nothing: their jobs are in the order in which they came.

use jiff::Timestamp;
use model::Priority;
use sqlx::{AnyConnection, Row};

use crate::Error;

/// Of the jobs of this caller that wait, and that a job of this priority does not pass: the last one, without its priority.
const LAST: &str = "SELECT MAX(queue_key + priority * $1) AS last FROM jobs \
     WHERE state = 'queued' AND owner = $2 AND priority >= $3 AND id <> $4";

/// How many jobs wait in all, and of a caller.
const WAITING: &str = "SELECT COUNT(*) AS waiting FROM jobs WHERE state = 'queued'";
const WAITING_OF: &str = "SELECT COUNT(*) AS waiting FROM jobs WHERE state = 'queued' AND owner = $1";

/// The limits of queued jobs; 0 sets no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueLimits {
    /// Of one caller.
    pub of_caller: u32,
    /// Of all callers together.
    pub in_all: u32,
}

/// Why no job can be queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FullQueue {
    /// The limit of queued jobs of this caller.
    OfCaller,
    /// The limit of queued jobs of all callers.
    InAll,
}

/// The turn of a job without a known caller. The smallest is next.
///
/// The effective priority of a job grows by one with each minute it waits, so the difference between two waiting jobs is
/// constant. The turn is the time at which a job of priority 0 would have had to be queued to be as urgent.
pub(crate) fn plain(queued_at: Timestamp, priority: Priority) -> i64 {
    queued_at.as_millisecond() - points(priority)
}

/// The turn of a caller's job.
pub(crate) async fn of(
    connection: &mut AnyConnection,
    id: &str,
    owner: Option<&str>,
    queued_at: Timestamp,
    priority: Priority,
) -> Result<i64, Error> {
    let Some(owner) = owner else { return Ok(plain(queued_at, priority)) };
    let last = sqlx::query(LAST).bind(Priority::POINT_MS).bind(owner.to_owned());
    let last = last.bind(i64::from(priority.get())).bind(id.to_owned());
    let last: Option<i64> = last.fetch_one(connection).await?.try_get("last")?;
    let after_last = last.map_or(i64::MIN, |last| last.saturating_add(Priority::POINT_MS));
    Ok(queued_at.as_millisecond().max(after_last) - points(priority))
}

fn points(priority: Priority) -> i64 {
    i64::from(priority.get()) * Priority::POINT_MS
}

/// Whether one more job can be queued.
pub(crate) async fn room(
    connection: &mut AnyConnection,
    owner: Option<&str>,
    limits: QueueLimits,
) -> Result<Result<(), FullQueue>, Error> {
    if let Some(owner) = owner.filter(|_| limits.of_caller > 0) {
        let count = sqlx::query(WAITING_OF).bind(owner.to_owned()).fetch_one(&mut *connection).await?;
        if count.try_get::<i64, _>("waiting")? >= i64::from(limits.of_caller) {
            return Ok(Err(FullQueue::OfCaller));
        }
    }
    if limits.in_all > 0 {
        let count = sqlx::query(WAITING).fetch_one(connection).await?;
        if count.try_get::<i64, _>("waiting")? >= i64::from(limits.in_all) {
            return Ok(Err(FullQueue::InAll));
        }
    }
    Ok(Ok(()))
}
