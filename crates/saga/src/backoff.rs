//! How long to wait before a call is repeated.

use std::time::Duration;

/// Doubles from call to call, with a part at random, so that calls that failed together do not meet again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// After the first call.
    pub first: Duration,
    /// At most.
    pub most: Duration,
}

impl Backoff {
    /// The delay after this number of calls, from 1: between half of the doubled time and all of it, and at least `after`.
    #[must_use]
    pub fn after(&self, calls: u32, after: Option<Duration>, random: u32) -> Duration {
        let factor = 1_u32.checked_shl(calls.saturating_sub(1).min(31)).unwrap_or(u32::MAX);
        let whole = self.first.saturating_mul(factor).min(self.most);
        let part = f64::from(random) / f64::from(u32::MAX);
        let jittered = whole.mul_f64(part.mul_add(0.5, 0.5));
        // What the platform names is spread upwards: all of its callers got the same answer.
        after.map_or(jittered, |after| jittered.max(after.saturating_add(self.first.mul_f64(part))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backoff_doubles_up_to_its_limit_and_is_spread_by_a_half() {
        let backoff = Backoff { first: Duration::from_secs(1), most: Duration::from_secs(30) };
        for (calls, whole) in [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (40, 30), (u32::MAX, 30)] {
            assert_eq!(backoff.after(calls, None, u32::MAX), Duration::from_secs(whole));
            assert_eq!(backoff.after(calls, None, 0), Duration::from_secs(whole) / 2);
        }
    }

    #[test]
    fn a_platform_that_names_a_time_is_not_called_before_it() {
        let backoff = Backoff { first: Duration::from_secs(1), most: Duration::from_secs(30) };
        let after = Some(Duration::from_mins(2));
        assert_eq!(backoff.after(1, after, 0), Duration::from_mins(2));
        assert_eq!(backoff.after(1, after, u32::MAX), Duration::from_secs(121));
        assert_eq!(backoff.after(6, Some(Duration::ZERO), u32::MAX), Duration::from_secs(30));
    }
}
