//! Audits requests that change something: the intent is stored before the change, and the result afterwards.

use actix_web::{HttpRequest, dev::ServiceResponse, http::header};
use engine::{AuditError, Auditor};
use jiff::Timestamp;
use model::{AuditDraft, AuditKind, JobId};

use super::caller::Caller;
use crate::http::{current_request, endpoint::Endpoint, v0};

/// Creates an audit entry for this request. Its action is the method and the path of the endpoint, and its object
/// is the job in the path.
pub(super) fn draft(
    kind: AuditKind,
    caller: &Caller,
    request: &HttpRequest,
    endpoint: Option<&Endpoint>,
) -> AuditDraft {
    let text = |address: Option<std::net::IpAddr>| address.map(|address| address.to_string());
    AuditDraft {
        time: now(),
        kind,
        caller: caller.name.clone(),
        role: caller.role.as_str().to_owned(),
        via: caller.via.to_string(),
        peer: text(caller.address.peer),
        forwarded: text(caller.address.forwarded),
        request: current_request::current(),
        method: request.method().as_str().to_owned(),
        route: endpoint.map(|endpoint| endpoint.path.to_string()).unwrap_or_default(),
        job: endpoint.and_then(|endpoint| endpoint.job_in(request.match_info().as_str())),
        status: None,
        intent: None,
    }
}

/// The current time, truncated to milliseconds, the precision of stored times.
pub(super) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

/// A request whose intent is stored. If it is dropped without a response, its result records that the client
/// disconnected.
#[derive(Debug)]
pub(super) struct Served {
    auditor: Auditor,
    result: Option<AuditDraft>,
}

impl Served {
    /// Stores the intent.
    pub(super) async fn begin(auditor: &Auditor, draft: AuditDraft) -> Result<Self, AuditError> {
        let intent = auditor.store(draft.clone()).await?;
        let result = AuditDraft { kind: AuditKind::Result, intent: Some(intent), ..draft };
        Ok(Self { auditor: auditor.clone(), result: Some(result) })
    }

    /// Queues the result.
    pub(super) fn end<B>(mut self, answer: Result<&ServiceResponse<B>, &actix_web::Error>) {
        if let Some(result) = &mut self.result {
            match answer {
                Ok(response) => {
                    result.status = Some(response.status().as_u16());
                    result.job = result.job.or_else(|| job_of(response));
                }
                Err(error) => result.status = Some(error.as_response_error().status_code().as_u16()),
            }
        }
    }
}

impl Served {
    /// Queues the result: a status, and the job that was started.
    pub(super) fn end_with(mut self, status: u16, job: Option<JobId>) {
        if let Some(result) = &mut self.result {
            result.status = Some(status);
            result.job = result.job.or(job);
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(mut result) = self.result.take() {
            result.time = now();
            self.auditor.hand_over(result);
        }
    }
}

/// The job that the response refers to.
fn job_of<B>(response: &ServiceResponse<B>) -> Option<JobId> {
    let text = |name: &str| response.headers().get(name)?.to_str().ok();
    let location = || text(header::LOCATION.as_str())?.rsplit('/').next()?.parse().ok();
    text(v0::JOB_HEADER).and_then(|id| id.parse().ok()).or_else(location)
}
