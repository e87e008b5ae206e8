//! The queue.

use engine::{Capacity, OwnerLock, QueueEntry, RunningJob, Waiting};
use model::{Holder, Work};

use super::{
    job::summary,
    request::{self, Content},
    time::time,
    words,
};

pub(in crate::http) fn capacity(capacity: Capacity) -> api::Capacity {
    api::Capacity { running: capacity.running as u64, max: capacity.max as u64 }
}

/// Why a job waits: the number of jobs ahead of it, the holders of the resources that it needs, and the capacity.
pub(in crate::http) fn waiting(waiting: Waiting, capacity: api::Capacity) -> api::Waiting {
    let blockers = waiting.blockers.into_iter().map(|blocker| {
        let (job, owner) = match blocker.holder {
            Holder::Job(job) => (Some(job.to_string().into()), None),
            Holder::Owner(owner) => (None, Some(owner.as_str().into())),
        };
        api::Blocker { resource: blocker.resource.as_str().into(), job, owner, holds: blocker.holds }
    });
    api::Waiting { position: waiting.position, blockers: blockers.collect(), capacity }
}

pub(in crate::http) fn running(running: RunningJob) -> api::RunningJob {
    api::RunningJob { job: summary(running.job), node: running.node, lease_until: time(running.lease_until) }
}

pub(in crate::http) fn owner_lock(OwnerLock { owner, lock }: OwnerLock) -> api::OwnerLock {
    api::OwnerLock {
        owner: owner.as_str().into(),
        resource: lock.resource.as_str().into(),
        mode: words::lock_mode(lock.mode),
    }
}

pub(in crate::http) fn queued(entry: QueueEntry, capacity: api::Capacity) -> api::Queued {
    let Content { playbook, bundle, scenario } = match &entry.work {
        Work::Playbook(work) => request::content(&work.content),
        Work::Range(_) => Content::default(),
    };
    let range = entry.work.as_range().map(|work| work.name.clone());
    api::Queued {
        id: entry.id.to_string().into(),
        playbook,
        bundle,
        scenario,
        range,
        priority: entry.priority.get(),
        queued_at: time(entry.queued_at),
        waiting: waiting(entry.waiting, capacity),
    }
}
