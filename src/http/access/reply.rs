//! Responses of the guard to rejected requests: problem documents, or v0 errors below `/v0` and for unknown paths.

use std::time::Duration;

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
};
use model::Role;

use super::decide::Rejection;
use crate::http::{
    endpoint::Dialect,
    problem::{Problem, ProblemCode},
    v0,
};

/// An error in both formats.
pub(super) struct Reply {
    problem: Problem,
    detail: String,
}

impl Reply {
    fn new(problem: Problem, detail: impl Into<String>) -> Self {
        Self { problem, detail: detail.into() }
    }

    pub(super) fn rejection(rejection: Rejection) -> Self {
        match rejection {
            Rejection::NoCredentials => {
                let detail = "this call needs credentials";
                let problem = Problem::new(ProblemCode::NotAuthenticated, detail)
                    .hint("send `Authorization: Bearer TOKEN`; `rangehand token create` creates a token");
                Self::new(problem, "Not authenticated")
            }
            Rejection::BadCredentials(why) => {
                let detail = format!("the credentials are not valid: {why}");
                let problem = Problem::new(ProblemCode::BadCredentials, detail.clone());
                Self::new(problem, detail)
            }
            Rejection::NoRole => {
                let detail = "the caller is in no group that has a role";
                let problem = Problem::new(ProblemCode::NoRole, detail).hint(
                    "`access.viewer_groups`, `operator_groups`, and `admin_groups` assign roles to groups",
                );
                Self::new(problem, detail)
            }
            Rejection::Unavailable(why) => {
                let detail = format!("the caller cannot be authenticated: {why}");
                let problem = Problem::new(ProblemCode::AccessUnavailable, detail);
                Self::new(problem, format!("the caller cannot be authenticated: {why}"))
            }
        }
    }

    pub(super) fn role_too_low(has: Role, needs: Role) -> Self {
        let detail = format!("this call needs the role {needs}; the caller is {has}");
        let problem = Problem::new(ProblemCode::RoleTooLow, detail.clone());
        Self::new(problem, detail)
    }

    pub(super) fn forged() -> Self {
        let detail = "pages of this origin may not call";
        let problem = Problem::new(ProblemCode::OriginNotAllowed, detail)
            .hint("`server.cors_origin_regex` sets the allowed origins");
        Self::new(problem, detail)
    }

    pub(super) fn embedded() -> Self {
        let detail = "pages of other origins may not embed this";
        let problem = Problem::new(ProblemCode::OriginNotAllowed, detail)
            .hint("request it with `fetch`, from an origin that `server.cors_origin_regex` allows");
        Self::new(problem, detail)
    }

    pub(super) fn unlisted() -> Self {
        let detail = "this path cannot be called: it has no permission";
        let problem = Problem::new(ProblemCode::UnlistedRoute, detail);
        Self::new(problem, "nobody may call this path: it has no permission")
    }

    pub(super) fn too_many() -> Self {
        let detail = "too many requests: wait for the time in `Retry-After`";
        let problem = Problem::new(ProblemCode::TooManyRequests, detail);
        Self::new(problem, "too many calls: wait as long as `Retry-After` says")
    }

    pub(super) fn too_much_unread() -> Self {
        Self::new(too_much_unread(), TOO_MUCH_UNREAD)
    }

    pub(super) fn path_too_long(most: usize) -> Self {
        let detail = format!("the path and the query are longer than {most} bytes");
        let problem = Problem::new(ProblemCode::PathTooLong, detail.clone());
        Self::new(problem, detail)
    }

    pub(super) fn unknown_host() -> Self {
        let detail = "this service is not called by that name";
        let problem = Problem::new(ProblemCode::UnknownHost, detail)
            .hint("call 127.0.0.1, [::1] or localhost; `access.hosts` sets further names");
        Self::new(problem, detail)
    }

    pub(super) fn no_audit() -> Self {
        let detail = "nothing may be changed: the audit cannot be written";
        let problem = Problem::new(ProblemCode::AuditUnavailable, detail)
            .hint("is there room for the store, and does it answer? The service's log has the cause");
        Self::new(problem, detail)
    }

    /// The response in the format of this path.
    pub(super) fn response(self, path: &str) -> HttpResponse {
        let status = self.problem.status_code();
        let mut response = match Dialect::of_path(path) {
            Dialect::V0 => v0::ErrorReply::new(status, self.detail).error_response(),
            Dialect::V1 => self.problem.error_response(),
        };
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"rangehand\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }

    /// Like [`Self::response`], with a `Retry-After` header in whole seconds.
    pub(super) fn response_after(self, path: &str, wait: Duration) -> HttpResponse {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let mut response = self.response(path);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        response
    }
}

const TOO_MUCH_UNREAD: &str = "too much of earlier replies is unread, of this client or in all";

/// The problem for a client that leaves too much of its responses unread.
pub(super) fn too_much_unread() -> Problem {
    Problem::new(ProblemCode::TooMuchUnread, TOO_MUCH_UNREAD)
        .hint("`limits.unread_bytes_per_client` and `limits.unread_bytes` set the limits")
}

/// The response to a method that the path does not support.
pub(super) fn wrong_method(path: &str, allow: String) -> HttpResponse {
    match Dialect::of_path(path) {
        Dialect::V0 => v0::ErrorReply::wrong_method(allow).error_response(),
        Dialect::V1 => Problem::wrong_method(allow).error_response(),
    }
}
