//! What is answered to those who are not served: problems, and in v0's words below `/v0` and outside of everything.

use std::time::Duration;

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
};
use model::Role;

use super::decide::Refusal;
use crate::http::{problem::Problem, v0};

/// A text in both forms.
pub(super) struct Reply {
    problem: Problem,
    status: StatusCode,
    detail: String,
}

impl Reply {
    fn new(problem: Problem, status: StatusCode, detail: impl Into<String>) -> Self {
        Self { problem, status, detail: detail.into() }
    }

    pub(super) fn refusal(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoCredentials => {
                let detail = "this call needs credentials";
                let problem = Problem::new(StatusCode::UNAUTHORIZED, "not_authenticated", detail)
                    .hint("send `Authorization: Bearer TOKEN`; `rangehand token create` makes one");
                Self::new(problem, StatusCode::UNAUTHORIZED, "Not authenticated")
            }
            Refusal::BadCredentials(why) => {
                let detail = format!("the credentials are not valid: {why}");
                let problem = Problem::new(StatusCode::UNAUTHORIZED, "bad_credentials", detail.clone());
                Self::new(problem, StatusCode::UNAUTHORIZED, detail)
            }
            Refusal::NoRole => {
                let detail = "the caller is in no group that has a role";
                let problem = Problem::new(StatusCode::FORBIDDEN, "no_role", detail)
                    .hint("`access.viewer_groups`, `operator_groups`, `admin_groups` say which have");
                Self::new(problem, StatusCode::FORBIDDEN, detail)
            }
            Refusal::Unavailable(why) => {
                let detail = format!("it cannot be told who calls: {why}");
                let problem =
                    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "access_unavailable", detail.clone());
                Self::new(problem, StatusCode::SERVICE_UNAVAILABLE, detail)
            }
        }
    }

    pub(super) fn role_too_low(has: Role, needs: Role) -> Self {
        let detail = format!("this call needs the role {needs}; the caller is {has}");
        let problem = Problem::new(StatusCode::FORBIDDEN, "role_too_low", detail.clone());
        Self::new(problem, StatusCode::FORBIDDEN, detail)
    }

    pub(super) fn forged() -> Self {
        let detail = "pages of this origin may not call";
        let problem = Problem::new(StatusCode::FORBIDDEN, "origin_not_allowed", detail)
            .hint("`server.cors_origin_regex` says which may");
        Self::new(problem, StatusCode::FORBIDDEN, detail)
    }

    pub(super) fn embedded() -> Self {
        let detail = "pages of other origins may not embed this";
        let problem = Problem::new(StatusCode::FORBIDDEN, "origin_not_allowed", detail)
            .hint("request it with `fetch`, from an origin that `server.cors_origin_regex` allows");
        Self::new(problem, StatusCode::FORBIDDEN, detail)
    }

    pub(super) fn unlisted() -> Self {
        let detail = "nobody may call this path: it has no permission";
        let problem = Problem::new(StatusCode::FORBIDDEN, "unlisted_route", detail);
        Self::new(problem, StatusCode::FORBIDDEN, detail)
    }

    pub(super) fn too_many() -> Self {
        let detail = "too many calls: wait as long as `Retry-After` says";
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail);
        Self::new(problem, StatusCode::TOO_MANY_REQUESTS, detail)
    }

    pub(super) fn too_much_unread() -> Self {
        Self::new(too_much_unread(), StatusCode::TOO_MANY_REQUESTS, TOO_MUCH_UNREAD)
    }

    pub(super) fn path_too_long(most: usize) -> Self {
        let detail = format!("the path and the query are longer than {most} bytes");
        let problem = Problem::new(StatusCode::URI_TOO_LONG, "path_too_long", detail.clone());
        Self::new(problem, StatusCode::URI_TOO_LONG, detail)
    }

    pub(super) fn unknown_host() -> Self {
        let detail = "this service is not called by that name";
        let problem = Problem::new(StatusCode::MISDIRECTED_REQUEST, "unknown_host", detail)
            .hint("call 127.0.0.1, [::1] or localhost; `access.hosts` says which other names there are");
        Self::new(problem, StatusCode::MISDIRECTED_REQUEST, detail)
    }

    pub(super) fn no_audit() -> Self {
        let detail = "nothing may be changed: the audit cannot be written";
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "audit_unavailable", detail)
            .hint("is there room for the store, and does it answer? The service's log has the cause");
        Self::new(problem, StatusCode::SERVICE_UNAVAILABLE, detail)
    }

    /// The answer for this path.
    pub(super) fn response(self, path: &str) -> HttpResponse {
        let mut response = match speaks_v0(path) {
            true => v0::Refusal::new(self.status, self.detail).error_response(),
            false => self.problem.error_response(),
        };
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"rangehand\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }

    /// The same, with the time after which to try again, in whole seconds.
    pub(super) fn response_after(self, path: &str, wait: Duration) -> HttpResponse {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let mut response = self.response(path);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        response
    }
}

const TOO_MUCH_UNREAD: &str = "too much of earlier replies is unread, of this client or in all";

/// Of a client that does not read what it is sent.
pub(super) fn too_much_unread() -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_much_unread", TOO_MUCH_UNREAD)
        .hint("`limits.unread_bytes_per_client` and `limits.unread_bytes` set the limits")
}

/// A method that the path does not have.
pub(super) fn wrong_method(path: &str, methods: &[&'static str]) -> HttpResponse {
    let allow = methods.join(", ");
    match speaks_v0(path) {
        true => v0::Refusal::wrong_method(allow).error_response(),
        false => Problem::wrong_method(allow).error_response(),
    }
}

fn speaks_v0(path: &str) -> bool {
    let others = ["/v1", "/ws", "/metrics", "/healthz", "/readyz"];
    !others
        .iter()
        .any(|other| path.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}
