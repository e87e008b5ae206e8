//! Health checks: liveness and readiness.

use std::time::{Duration, Instant};

use actix_web::{HttpMessage, HttpRequest, HttpResponse, http::StatusCode, web::Data};

use super::{
    access::Caller,
    api::Api,
    endpoint::{Access, Doc, Effect, Endpoint, Reply, Schemas, Verb},
};
use crate::doctor::{self, Check, Status};

/// The group of endpoints about the service itself.
pub(super) const TAG: &str = "service";

/// How long a successful check of Ansible is cached.
const COUNTS_FOR: Duration = Duration::from_secs(30);

/// How long a request waits for the recovery at startup, which usually takes milliseconds.
const RECOVERY_LIMIT: Duration = Duration::from_secs(2);

pub(super) fn endpoints() -> Vec<Endpoint> {
    let health = Doc::new("health", TAG, "Is the service alive?")
        .replies([Reply::json(
            200,
            "The service responds; nothing else is checked",
            Schemas::of::<api::Health>,
        )])
        .cannot_fail();
    let readiness = |status, about| Reply::json(status, about, Schemas::of::<api::Readiness>);
    let ready = Doc::new("readiness", TAG, "Can the service work?")
        .replies([
            readiness(200, "The store answers and Ansible can be started"),
            readiness(503, "A check failed; `hint` suggests a fix"),
        ])
        .cannot_fail();
    vec![
        Endpoint::new(Verb::Get, "/healthz", Access::Open, healthz, health)
            .effect(Effect::Probe)
            .head()
            .any_origin(),
        // Without a role, the response contains only the status.
        Endpoint::new(Verb::Get, "/readyz", Access::Open, readyz, ready).head().any_origin(),
    ]
}

/// Reports that the service responds.
async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(api::Health { status: api::HealthStatus::Ok })
}

/// Reports whether the store responds, Ansible can be started, and jobs can start; otherwise returns 503 with
/// hints.
///
/// Callers without a role learn whether the service is ready, but nothing about its installation.
async fn readyz(api: Data<Api>, request: HttpRequest) -> HttpResponse {
    let mut checks = ansible_checks(&api).await;
    checks.push(store_check(&api).await);
    checks.push(recovery_check(&api).await);
    let ready = checks.iter().all(|check| check.status != Status::Fail);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let word = if ready { api::ReadyStatus::Ready } else { api::ReadyStatus::NotReady };
    let is_known = request.extensions().contains::<Caller>();
    let checks = is_known.then(|| checks.into_iter().map(shown).collect());
    HttpResponse::build(status).json(api::Readiness { status: word, checks })
}

fn shown(check: Check) -> api::Check {
    let status = match check.status {
        Status::Ok => api::CheckStatus::Ok,
        Status::Warn => api::CheckStatus::Warn,
        Status::Fail => api::CheckStatus::Fail,
    };
    api::Check { name: check.name.to_owned(), status, detail: check.detail, hint: check.hint }
}

/// Checks Ansible. This starts three programs, so a successful result is cached for a while. A failed check is
/// repeated each time, because the problem may have been fixed.
async fn ansible_checks(api: &Api) -> Vec<Check> {
    // Locked during the check, so that concurrent requests wait for the same result.
    let mut known = api.ansible_checks.lock().await;
    if let Some((_, checks)) = known.as_ref().filter(|(asked, _)| asked.elapsed() < COUNTS_FOR) {
        return checks.clone();
    }
    let checks = doctor::check_ansible(api.engine.catalog().toolchain()).await;
    let good = checks.iter().all(|check| check.status != Status::Fail);
    *known = good.then(|| (Instant::now(), checks.clone()));
    checks
}

async fn store_check(api: &Api) -> Check {
    match api.engine.readiness().check_store().await {
        Ok(()) => Check::ok("store", "answers"),
        Err(error) => Check::fail("store", error.to_string(), "the service's log has the cause"),
    }
}

async fn recovery_check(api: &Api) -> Check {
    if api.engine.readiness().is_recovered_within(RECOVERY_LIMIT).await {
        return Check::ok("recovery", "jobs can begin");
    }
    Check::fail(
        "recovery",
        "no job can begin: runs of the service before are still being recovered",
        "the service log shows which step is slow; files in `paths.state` and `paths.runtime` must be readable",
    )
}
