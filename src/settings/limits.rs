//! `[limits]`: limits for clients.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::seconds;
use crate::http::access::{Quota, Rate, Unread};

/// `[limits]`: limits for clients. 0 per minute sets no limit.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Calls a minute that change nothing.
    pub reads_per_minute: u32,
    /// How many of them at once.
    pub reads_burst: u32,
    /// Calls a minute that change something.
    pub writes_per_minute: u32,
    /// How many of them at once.
    pub writes_burst: u32,
    /// Streams and WebSockets of a client at once.
    pub watchers_per_client: usize,
    /// Streams and WebSockets of all clients at once.
    pub watchers: usize,
    /// How long a client can leave a response unread.
    #[serde(rename = "unread_timeout_s", with = "seconds")]
    pub unread: Duration,
    /// Bytes of replies that one client has not read yet.
    pub unread_bytes_per_client: usize,
    /// Bytes of replies that all clients have not read yet.
    pub unread_bytes: usize,
    /// Jobs of one caller that wait.
    pub queued_per_client: u32,
    /// Jobs that wait.
    pub queued: u32,
}

impl Limits {
    pub(super) const fn reads(&self) -> Rate {
        Rate { per_minute: self.reads_per_minute, burst: self.reads_burst }
    }

    /// Maximum number of queued jobs.
    pub(crate) const fn queue(&self) -> engine::QueueLimits {
        engine::QueueLimits { of_caller: self.queued_per_client, in_all: self.queued }
    }

    pub(super) const fn watchers(&self) -> Quota {
        Quota { per_client: self.watchers_per_client, total: self.watchers }
    }

    pub(super) const fn unread(&self) -> Unread {
        let quota = Quota { per_client: self.unread_bytes_per_client, total: self.unread_bytes };
        Unread { quota, deadline: self.unread }
    }

    pub(super) const fn writes(&self) -> Rate {
        Rate { per_minute: self.writes_per_minute, burst: self.writes_burst }
    }
}
