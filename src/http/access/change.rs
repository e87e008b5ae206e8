//! Requests that turn out to be changes: a route determines that a request, which could have been a read, starts a
//! job. The role, the rate limit, and the audit log entry of a change then apply.

use std::time::Instant;

use actix_web::HttpResponse;
use model::{AuditDraft, AuditKind, JobId, Role};

use super::{audit::Served, caller::Client, guard::Guard, limiter::Kind, reply::Reply};

/// Request extension: the request comes from a page of an unknown origin, so it must not start a job.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ForeignOrigin;

/// Request extension: the request may become a change.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    guard: Guard,
    client: Client,
    role: Role,
    draft: AuditDraft,
}

impl Change {
    pub(super) const fn new(guard: Guard, client: Client, role: Role, draft: AuditDraft) -> Self {
        Self { guard, client, role, draft }
    }

    /// Counts the change and stores its intent. The error is the response to send if the change is rejected.
    pub(crate) async fn begin(self, path: &str) -> Result<StartedChange, HttpResponse> {
        let Self { guard, client, role, draft } = self;
        if role < Role::Operator {
            let denied = AuditDraft { kind: AuditKind::Denied, status: Some(403), ..draft };
            guard.deny(denied).await;
            return Err(Reply::role_too_low(role, Role::Operator).response(path));
        }
        if let Err(wait) = guard.0.limiter.count(client, Kind::Write, Instant::now()) {
            return Err(Reply::too_many().response_after(path, wait));
        }
        match Served::begin(&guard.0.auditor, draft).await {
            Ok(served) => Ok(StartedChange(served)),
            Err(error) => {
                tracing::error!(%error, "a change was refused: it would not be in the audit");
                Err(Reply::no_audit().response(path))
            }
        }
    }
}

/// A change whose intent is stored. If it is dropped before it ends, its result records that the client
/// disconnected.
#[derive(Debug)]
pub(crate) struct StartedChange(Served);

impl StartedChange {
    /// Queues the result.
    pub(crate) fn end(self, status: u16, job: Option<JobId>) {
        self.0.end_with(status, job);
    }
}
