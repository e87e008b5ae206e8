//! Retention of ended jobs and of the audit log.

use std::time::Duration;

use jiff::Timestamp;
use store::AuditRetention;

/// Seconds per day.
const DAY_S: i64 = 24 * 3600;

/// Retention limits; a limit that is not set keeps everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Keep {
    /// Jobs that ended longer ago than this are deleted.
    pub age: Option<Duration>,
    /// Maximum number of ended jobs; the newest are kept.
    pub jobs: Option<u64>,
    /// Maximum size of the events of ended jobs, in bytes; the newest are kept.
    pub bytes: Option<u64>,
    /// Artifacts that are older than this are deleted.
    pub artifacts_age: Option<Duration>,
    /// Maximum size of all artifacts, in bytes; those of the jobs that ended last are kept.
    pub artifacts_bytes: Option<u64>,
    /// Audit entries are deleted when their day, in UTC, ended longer ago than this number of days.
    pub audit_days: Option<u32>,
    /// Maximum number of audit entries; the newest are kept, and up to a hundred more.
    pub audit_records: Option<u64>,
}

impl Keep {
    pub(super) const fn keeps_jobs(&self) -> bool {
        self.age.is_none() && self.jobs.is_none() && self.bytes.is_none()
    }

    pub(super) const fn keeps_audit(&self) -> bool {
        self.audit_days.is_none() && self.audit_records.is_none()
    }

    /// The cutoff is a whole day: each removal adds an entry to the audit log, and one per day is enough.
    pub(super) fn audit(&self, now: Timestamp) -> AuditRetention {
        let first_day = |days: u32| now.as_second().div_euclid(DAY_S) - i64::from(days);
        let begin = |day: i64| Timestamp::from_second(day.saturating_mul(DAY_S)).unwrap_or(Timestamp::MIN);
        AuditRetention {
            older_than: self.audit_days.map(|days| begin(first_day(days))),
            keep: self.audit_records,
        }
    }
}
