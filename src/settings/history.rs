//! `[history]`: retention of finished jobs and of the audit log.

use std::time::Duration;

use serde::{Deserialize, Serialize};

const DAY_S: u64 = 24 * 3600;

/// `[history]`: retention of finished jobs and of the audit log. 0 sets no limit.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// For how many days.
    pub keep_days: u64,
    /// How many, the newest.
    pub keep_jobs: u64,
    /// How many bytes of events, the newest.
    pub keep_bytes: u64,
    /// For how many days artifacts are kept.
    pub keep_artifacts_days: u64,
    /// How many bytes of artifacts are kept, those of the jobs that ended last.
    pub keep_artifacts_bytes: u64,
    /// Number of days for which audit entries are kept.
    pub keep_audit_days: u32,
    /// Maximum number of audit entries, newest first.
    pub keep_audit_entries: u64,
}

impl History {
    /// The same for the engine.
    #[must_use]
    pub fn keep(&self) -> engine::Keep {
        let limit = |value: u64| Some(value).filter(|value| *value > 0);
        let days = |days: u64| limit(days).map(|days| Duration::from_secs(days.saturating_mul(DAY_S)));
        engine::Keep {
            age: days(self.keep_days),
            artifacts_age: days(self.keep_artifacts_days),
            artifacts_bytes: limit(self.keep_artifacts_bytes),
            jobs: limit(self.keep_jobs),
            bytes: limit(self.keep_bytes),
            audit_days: Some(self.keep_audit_days).filter(|days| *days > 0),
            audit_records: limit(self.keep_audit_entries),
        }
    }
}
