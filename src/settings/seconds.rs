//! Durations that are whole seconds in files.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};

pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(duration.as_secs())
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_secs)
}

/// A limit, where 0 means none.
pub(super) mod limit {
    use super::{Deserializer, Duration, Serializer};

    #[expect(clippy::ref_option, reason = "the signature that serde calls")]
    pub(in crate::settings) fn serialize<S: Serializer>(
        limit: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        super::serialize(&limit.unwrap_or_default(), serializer)
    }

    pub(in crate::settings) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        super::deserialize(deserializer).map(|limit| Some(limit).filter(|limit| !limit.is_zero()))
    }
}
