//! What a route learns only on its way: that a request which may be a look starts a job. Then it counts as the change that it
//! is, with its role, its limit and its place in the audit.

use std::time::Instant;

use actix_web::HttpResponse;
use model::{AuditDraft, AuditKind, JobId, Role};

use super::{Guard, audit::Served, caller::Client, limiter::Kind, reply::Reply};

/// In the extensions of a request that a page of an unknown origin sends: nothing may be started for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ForeignOrigin;

/// In the extensions of a request that may become a change.
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

    /// Counts the change and stores its intent; the response is the refusal.
    pub(crate) async fn begin(self, path: &str) -> Result<Begun, HttpResponse> {
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
            Ok(served) => Ok(Begun(served)),
            Err(error) => {
                tracing::error!(%error, "a change was refused: it would not be in the audit");
                Err(Reply::no_audit().response(path))
            }
        }
    }
}

/// A change whose intent is stored. Dropped without an end, its result says that the caller left.
#[derive(Debug)]
pub(crate) struct Begun(Served);

impl Begun {
    /// Hands over what became of it.
    pub(crate) fn end(self, status: u16, job: Option<JobId>) {
        self.0.end_with(status, job);
    }
}
