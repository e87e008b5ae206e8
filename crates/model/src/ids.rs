//! Identifiers of jobs, runs, ranges, and plans: version 7 UUIDs, so that they sort by creation time.

use std::{fmt, str::FromStr};

use uuid::Uuid;

use crate::serde_by_text;

/// An invalid identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no identifier: use a UUID such as 0190a8d2-7c3f-7a51-9f0e-2b6f5f0f4d11")]
pub struct BadId(String);

macro_rules! id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID that was generated elsewhere; this layer has no source of randomness.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The last twelve hexadecimal digits: random, and short enough for socket paths.
            #[must_use]
            pub fn short(&self) -> String {
                let text = self.0.simple().to_string();
                text[20..].to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0.hyphenated(), f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                // Only the hyphenated form: one job has one address.
                if text.len() != 36 {
                    return Err(BadId(text.to_owned()));
                }
                Uuid::try_parse(text).map(Self).map_err(|_| BadId(text.to_owned()))
            }
        }

        serde_by_text!($name);
    };
}

id!(
    /// Names a job.
    JobId
);
id!(
    /// Names a run: one Ansible execution of one attempt of a job.
    RunId
);
id!(
    /// Names a range.
    RangeId
);
id!(
    /// Names a plan of a range.
    PlanId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_from_its_own_text_and_from_nothing_else() {
        let id = JobId::from_uuid(Uuid::from_u128(0x0190_a8d2_7c3f_7a51_9f0e_2b6f_5f0f_4d11));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.short(), "2b6f5f0f4d11");
        for bad in ["", "..", "0190a8d27c3f7a519f0e2b6f5f0f4d11", "0190a8d2-7c3f-7a51-9f0e-2b6f5f0f4d1/"] {
            assert!(bad.parse::<JobId>().is_err(), "{bad}");
        }
    }
}
