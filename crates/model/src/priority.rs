//! Priorities of jobs.

use serde::{Deserialize, Serialize};

/// A number that is no priority.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no priority: use -100 to 100")]
pub struct BadPriority(i8);

/// How urgent a job is: -100 to 100, 0 for most. A point is worth [`Priority::POINT_MS`] of waiting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i8", into = "i8")]
pub struct Priority(i8);

impl Priority {
    /// The waiting time that one point equals, in milliseconds: a minute. Hence a job of priority 0 that has waited
    /// for an hour goes before one of priority 50 that just came, and nothing waits indefinitely.
    pub const POINT_MS: i64 = 60_000;

    /// The number.
    #[must_use]
    pub const fn get(self) -> i8 {
        self.0
    }

    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl TryFrom<i8> for Priority {
    type Error = BadPriority;

    fn try_from(number: i8) -> Result<Self, BadPriority> {
        if (-100..=100).contains(&number) { Ok(Self(number)) } else { Err(BadPriority(number)) }
    }
}

impl From<Priority> for i8 {
    fn from(priority: Priority) -> Self {
        priority.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priorities_have_ends() {
        for (number, is_fine) in [(-128, false), (-101, false), (-100, true), (100, true), (101, false)] {
            assert_eq!(Priority::try_from(number).is_ok(), is_fine, "{number}");
        }
    }
}
