//! Audit entries of requests that change something: caller, origin, action, and result.
//!
//! ```text
//!  intent (before anything happens) --the same request id, `intent`--> result (status, job)
//!  denied: a caller whose role is too low; nothing happened
//!  command: done by the command line
//!  removed: the oldest entries were deleted by the retention policy; the chain begins after them
//! ```
//! An inspection of content has the method `INSPECT`, and the content in place of the route.
//! Never a body, a query or a secret. Records are chained: the hash of each covers the one before it.

use jiff::Timestamp;
use serde::Serialize;

use crate::{JobId, text_enum, time_text};

text_enum! {
    /// Kind of an audit entry.
    AuditKind {
        /// A request is about to be carried out.
        Intent = "intent",
        /// Its result.
        Result = "result",
        /// A request was rejected because the role is too low.
        Denied = "denied",
        /// The command line did something.
        Command = "command",
        /// Records were removed, the oldest.
        Removed = "removed",
    }
}

/// A record, before it has a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditDraft {
    /// When.
    #[serde(serialize_with = "time_text::serialize")]
    pub time: Timestamp,
    /// Its kind.
    pub kind: AuditKind,
    /// Who.
    pub caller: String,
    /// With which role.
    pub role: String,
    /// How the caller was known: `none`, `gateway`, `token:<id>`, `jwt`, `cli`; `service` for the service itself.
    pub via: String,
    /// The address that the connection came from.
    pub peer: Option<String>,
    /// The address that a trusted gateway named.
    pub forwarded: Option<String>,
    /// The id of the request.
    pub request: Option<String>,
    /// The method.
    pub method: String,
    /// The pattern of the route, or the command; of an inspection the content and its outcome; of `removed` the last deleted entry, `NUMBER:HASH`.
    pub route: String,
    /// The job, where one is known.
    pub job: Option<JobId>,
    /// The status of the reply; none when the caller left before it was there.
    pub status: Option<u16>,
    /// The number of the intent that this is the result of.
    pub intent: Option<u64>,
}

/// A record as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditRecord {
    /// 1, 2, 3 ..., without a gap.
    pub seq: u64,
    /// Its content.
    #[serde(flatten)]
    pub draft: AuditDraft,
    /// SHA-256 over the hash of the record before and everything in this one, in hexadecimal digits.
    pub hash: String,
}

impl AuditDraft {
    /// The input of the hash of an entry, besides the previous hash: one JSON array with all fields in order, so
    /// that no two entries have the same text.
    #[must_use]
    pub fn text(&self, seq: u64) -> String {
        let job = self.job.map(|job| job.to_string());
        let fields = (
            seq,
            self.time.as_millisecond(),
            self.kind,
            (&self.caller, &self.role, &self.via),
            (&self.peer, &self.forwarded, &self.request),
            (&self.method, &self.route, job, self.status, self.intent),
        );
        // Texts and numbers always make JSON.
        serde_json::to_string(&fields).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_separates_fields() {
        let draft = |caller: &str, role: &str| AuditDraft {
            time: Timestamp::UNIX_EPOCH,
            kind: AuditKind::Intent,
            caller: caller.to_owned(),
            role: role.to_owned(),
            via: "token".to_owned(),
            peer: None,
            forwarded: None,
            request: None,
            method: "POST".to_owned(),
            route: "/v1/jobs".to_owned(),
            job: None,
            status: None,
            intent: None,
        };
        assert_ne!(draft("ab", "c").text(1), draft("a", "bc").text(1));
        assert_ne!(draft("a", "b").text(1), draft("a", "b").text(2));
        let quoted = draft("a\",\"b", "c").text(1);
        assert!(quoted.contains(r#"a\",\"b"#), "{quoted}");
    }
}
