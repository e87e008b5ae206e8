//! Events.

use model::{Event, EventKind, JobId};
use serde_json::Value;

use super::time::time;

/// An event of a job.
pub(in crate::http) fn event(event: Event) -> api::Event {
    let Event { seq, mut draft } = event;
    if draft.kind == EventKind::WARNING
        && let Value::Object(data) = &mut draft.data
    {
        api::complete_warning(data);
    }
    api::Event {
        seq,
        time: time(draft.time),
        kind: draft.kind.to_string(),
        host: draft.host,
        play: draft.play,
        task: draft.task,
        stdout: draft.stdout,
        data: draft.data,
    }
}

/// An event among those of all jobs.
pub(in crate::http) fn placed((position, job_id, found): (u64, JobId, Event)) -> api::PlacedEvent {
    api::PlacedEvent { position, job_id: job_id.to_string().into(), event: event(found) }
}
