//! What is kept of jobs that ended long ago, and of the audit log.

use std::time::Duration;

use jiff::Timestamp;
use store::AuditRetention;

/// In seconds.
const DAY_S: i64 = 24 * 3600;

/// What is kept; nothing set keeps everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Keep {
    /// Jobs that ended longer ago than this go.
    pub age: Option<Duration>,
    /// Of ended jobs so many stay, the newest.
    pub jobs: Option<u64>,
    /// Of the events of ended jobs so many bytes stay, the newest.
    pub bytes: Option<u64>,
    /// Artifacts that are older than this go.
    pub artifacts_age: Option<Duration>,
    /// Of artifacts so many bytes stay, those of the jobs that ended last.
    pub artifacts_bytes: Option<u64>,
    /// Records of the audit whose day, in UTC, ended longer ago than so many days go.
    pub audit_days: Option<u32>,
    /// Of the records of the audit so many stay, the newest, and up to a hundred more.
    pub audit_records: Option<u64>,
}

impl Keep {
    pub(super) const fn keeps_jobs(&self) -> bool {
        self.age.is_none() && self.jobs.is_none() && self.bytes.is_none()
    }

    pub(super) const fn keeps_audit(&self) -> bool {
        self.audit_days.is_none() && self.audit_records.is_none()
    }

    /// By whole days: each removal is a record, and one a day is enough.
    pub(super) fn audit(&self, now: Timestamp) -> AuditRetention {
        let first_day = |days: u32| now.as_second().div_euclid(DAY_S) - i64::from(days);
        let begin = |day: i64| Timestamp::from_second(day.saturating_mul(DAY_S)).unwrap_or(Timestamp::MIN);
        AuditRetention {
            older_than: self.audit_days.map(|days| begin(first_day(days))),
            keep: self.audit_records,
        }
    }
}
