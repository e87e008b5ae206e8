//! Problem documents (RFC 9457): the error responses of v1.
//!
//! A code is stable: its meaning and status never change. The tables of the documentation are generated from these lists.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{JobId, words::words};

/// Declares the problem codes, each with its text, status, and meaning.
macro_rules! problem_codes {
    ($($variant:ident = $text:literal, $status:literal, $about:literal;)+) => {
        words!(ProblemCode, "Stable code for programs" { $(#[doc = $about] $variant = $text),+ });

        impl ProblemCode {
            /// Status of a response with this problem.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status),+ }
            }

            /// Meaning, as Markdown.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $about),+ }
            }
        }
    };
}

problem_codes! {
    BadName = "bad_name", 400, "an invalid name in a body or a path, such as path traversal in any encoding";
    BadPath = "bad_path", 400, "the path cannot be read";
    BrokenBody = "broken_body", 400, "the body could not be received";
    LeavesRoot = "leaves_root", 400, "a symbolic link in the content points outside the content root";
    MalformedJson = "malformed_json", 400, "the body is malformed JSON; `detail` contains the position";
    NotAuthenticated = "not_authenticated", 401, "no credentials; the response has `WWW-Authenticate`";
    BadCredentials = "bad_credentials", 401, "an unknown, expired, revoked, or otherwise invalid token or JWT; `detail` contains the reason";
    NoRole = "no_role", 403, "the caller is authenticated, but in no group that has a role";
    OriginNotAllowed = "origin_not_allowed", 403, "requests from this web origin are not allowed, or a page of another origin embeds the response";
    RoleTooLow = "role_too_low", 403, "the route requires a higher role";
    UnlistedRoute = "unlisted_route", 403, "a route without a permission; this is a bug";
    UnknownPath = "unknown_path", 404, "no such path below `/v1`";
    UnknownArtifact = "unknown_artifact", 404, "the job has no artifact with this path, or it has been deleted";
    UnknownJob = "unknown_job", 404, "no such job";
    UnknownPlaybook = "unknown_playbook", 404, "no such playbook; `hint` lists similar names";
    UnknownBundle = "unknown_bundle", 404, "no such bundle; `hint` lists similar names";
    UnknownScenario = "unknown_scenario", 404, "no such scenario; `hint` lists similar names";
    UnknownInventory = "unknown_inventory", 404, "no such inventory; `hint` lists similar names";
    UnknownProject = "unknown_project", 404, "the settings have no such project; `hint` lists all projects";
    UnknownRange = "unknown_range", 404, "no such range";
    UnknownPlatform = "unknown_platform", 404, "the settings have no such platform; `hint` lists all platforms";
    MethodNotAllowed = "method_not_allowed", 405, "the path does not support the method; `Allow` lists the methods";
    SlowBody = "slow_body", 408, "the body arrives too slowly: after 10 s at least 16 KiB/s; the connection is closed";
    IdempotencyKeyUsed = "idempotency_key_used", 409, "this `Idempotency-Key` was used for a different request";
    NothingToResume = "nothing_to_resume", 409, "the last run of the job succeeded";
    ArtifactElsewhere = "artifact_elsewhere", 409, "the file is on another node; `detail` contains its name";
    NotFinished = "not_finished", 409, "the job has not finished: it has no result yet and cannot be deleted";
    SecretsGone = "secrets_gone", 409, "the job had `secret_vars`, which were deleted when it finished; submit a new job";
    RangeExists = "range_exists", 409, "another range has this name";
    RangeBusy = "range_busy", 409, "a plan of the range is being carried out; `job` is its job";
    PlanChanged = "plan_changed", 409, "the plan isn't the one with this digest any more, because the range, the document, or the values have changed; request a new plan";
    ConfirmationRequired = "confirmation_required", 409, "the plan removes machines or networks with their data: `names` lists those that `confirm` lacks";
    PoolExhausted = "pool_exhausted", 409, "the pool of the platform has no free subnet, address, or number";
    WrongState = "wrong_state", 409, "the state of the job does not allow it";
    BodyTooLong = "body_too_long", 413, "more than `server.body_limit_bytes`";
    PathTooLong = "path_too_long", 414, "path and query are longer than 8192 bytes";
    UnsupportedMediaType = "unsupported_media_type", 415, "the content type of the body is not JSON";
    UnknownHost = "unknown_host", 421, "the `Host` header does not name this service; see `access.hosts`";
    InvalidDocument = "invalid_document", 422, "the range document has faults; see `errors`";
    NotSupported = "not_supported", 422, "the platform can't do this";
    InvalidRequest = "invalid_request", 422, "fields or parameters are invalid; see `errors`";
    TooManyValues = "too_many_values", 422, "the JSON body has more than 20,000 values";
    InspectionLimit = "inspection_limit", 422, "Ansible used too much memory, too many processes, or too much output to list the content, and was terminated; `hint` names the setting";
    TooManyRequests = "too_many_requests", 429, "the client exceeds its rate limit; `Retry-After` has the seconds to wait";
    TooManyBodies = "too_many_bodies", 429, "the client, or all clients together, send more request bodies at once than fit in memory; the connection is closed";
    QueueFull = "queue_full", 429, "`limits.queued_per_client` jobs of the caller, or `limits.queued` jobs in all, are queued; `Retry-After` has the seconds to wait";
    TooManyWatchers = "too_many_watchers", 429, "the client has `limits.watchers_per_client` streams and WebSockets open, or all clients together have `limits.watchers`";
    TooMuchUnread = "too_much_unread", 429, "the client has not read enough of earlier replies (`limits.unread_bytes_per_client`, `limits.unread_bytes`); `Retry-After` has the seconds to wait";
    InternalError = "internal_error", 500, "internal error; search the service log for the request ID to find the cause";
    AccessUnavailable = "access_unavailable", 503, "the caller can't be authenticated because the database or the JWT issuer isn't responding";
    PlatformUnavailable = "platform_unavailable", 503, "the platform of the range doesn't respond, or can't be used on this node";
    AuditUnavailable = "audit_unavailable", 503, "the audit log cannot be written, so requests that change something or inspect content are rejected";
    InspectionsBusy = "inspections_busy", 503, "too many inspections of content are waiting; `Retry-After` has the seconds to wait";
    InspectionTimeout = "inspection_timeout", 504, "Ansible took longer than `runs.inspection_timeout_s` to list the content, and was terminated";
}

/// Declares the fault codes, each with its text and meaning.
macro_rules! fault_codes {
    ($($variant:ident = $text:literal, $about:literal;)+) => {
        words!(FaultCode, "Stable code for programs" { $(#[doc = $about] $variant = $text),+ });

        impl FaultCode {
            /// Meaning, as Markdown.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $about),+ }
            }
        }
    };
}

fault_codes! {
    Missing = "missing", "a required field is missing";
    TooMany = "too_many", "more than one of several fields that exclude each other";
    UnknownField = "unknown_field", "no such field in the body";
    UnknownParameter = "unknown_parameter", "no such parameter in the query";
    WrongType = "wrong_type", "the value has the wrong type";
    OutOfRange = "out_of_range", "a number outside its range";
    InvalidValue = "invalid_value", "an invalid string, for example in `limit`, `tags`, `inventory`, or a parameter";
    ProtectedVariable = "protected_variable", "a variable in `extra_vars` that `runs.protected_vars` names";
    GivenTwice = "given_twice", "a variable is in `extra_vars` and in `secret_vars`";
    TooShort = "too_short", "a string in `secret_vars` is shorter than 4 bytes, and could not be masked in output";
    InvalidVariable = "invalid_variable", "an invalid variable in `extra_vars` or `secret_vars`: its name, `ansible_*`, a reserved key, too many values, or too deeply nested";
    BadName = "bad_name", "an invalid name (with status 400)";
    Malformed = "malformed", "a range document isn't YAML or JSON";
    TooLarge = "too_large", "a range document, or a part of it, is larger or deeper than allowed";
    Duplicate = "duplicate", "a key appears twice in a mapping, or two things have one name";
    NotAllowed = "not_allowed", "a field excludes another one, or isn't allowed in this place";
    UnknownName = "unknown_name", "a name refers to nothing in the document, on the platform, or among the variables";
    Cycle = "cycle", "things need each other in a cycle";
    AddressOutside = "address_outside", "an address is outside of its network, or can't be used by a machine";
    AddressTaken = "address_taken", "two machines of one network have the same address";
    GatewayClash = "gateway_clash", "a machine has the address of the network's gateway";
    Overlap = "overlap", "two networks of one instance share addresses";
    PlatformName = "platform_name", "the platform rejects the name";
    PlatformLimit = "platform_limit", "the platform can't do this";
    Quota = "quota", "a limit or quota is exceeded";
    Unreachable = "unreachable", "no path leads from the operator to a machine that a task runs on";
    NotATree = "not_a_tree", "the topology isn't a tree";
    Jumpbox = "jumpbox", "there is no main jumpbox, or more than one";
    Exhausted = "exhausted", "the pool of the platform has no free subnet or address";
}

/// An invalid part of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// Path of the field, with dots between levels; empty for the whole body
    pub field: String,
    /// Stable code for programs
    pub code: FaultCode,
    /// What is invalid, and what is allowed
    pub message: String,
    /// Suggested fix, if there is one
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A problem document (RFC 9457)
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// `urn:rangehand:problem:` and the code
    pub r#type: String,
    /// Name of the status
    pub title: String,
    /// Status of the response
    #[schemars(range(min = 400, max = 599))]
    pub status: u16,
    /// Stable code for programs
    pub code: ProblemCode,
    /// Explanation of this occurrence
    pub detail: String,
    /// Suggested fix, if there is one
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Invalid fields
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
    /// Job that prevents the change
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// Names of the machines and networks that would be removed with their data
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// ID of the request, as in the header `X-Request-Id`
    pub request_id: Option<String>,
}
