//! The output limit of a run: its streams share one budget, and output beyond it is not read.

use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// The output budget that the streams of one run share, and what they have used of it.
#[derive(Debug, Clone)]
pub struct Budget {
    limit: u64,
    used: Arc<AtomicU64>,
}

impl Budget {
    /// A budget in bytes. 0 means no limit.
    pub fn new(limit: u64) -> Self {
        Self { limit: if limit == 0 { u64::MAX } else { limit }, used: Arc::default() }
    }

    /// A stream that draws on it.
    pub fn count<R>(&self, source: R) -> Counted<R> {
        Counted { source, budget: self.clone() }
    }
}

/// A stream that fails where the budget is used up. It does not just end there: then half a line would pass for a
/// whole one.
#[derive(Debug)]
pub struct Counted<R> {
    source: R,
    budget: Budget,
}

impl<R> Counted<R> {
    /// Was more there than the budget has?
    pub fn is_over(&self) -> bool {
        self.budget.used.load(Ordering::Relaxed) > self.budget.limit
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        let before = self.budget.used.fetch_add(count as u64, Ordering::Relaxed);
        let left = self.budget.limit.saturating_sub(before);
        match usize::try_from(left).unwrap_or(usize::MAX) {
            left if left >= count && !self.is_over() => Ok(count),
            0 => Err(io::Error::other("the run printed more than it may")),
            left => Ok(left.min(count)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_share_a_budget_and_fail_where_it_is_used_up() {
        let budget = Budget::new(5);
        let (mut first, mut second) = (budget.count(&b"abc"[..]), budget.count(&b"defg"[..]));
        let mut text = String::new();
        first.read_to_string(&mut text).expect("within the budget");
        assert!(!first.is_over());
        assert!(second.read_to_string(&mut text).is_err());
        assert!(first.is_over() && second.is_over());
        let (mut third, mut bytes) = (Budget::new(2).count(&b"xyz"[..]), Vec::new());
        assert!(third.read_to_end(&mut bytes).is_err());
        assert_eq!(bytes, b"xy");
    }

    #[test]
    fn what_fits_exactly_and_what_is_not_limited_is_read_to_its_end() {
        for limit in [4, 0] {
            let mut source = Budget::new(limit).count(&b"abcd"[..]);
            assert_eq!(source.read_to_end(&mut Vec::new()).expect("within the budget"), 4);
            assert!(!source.is_over());
        }
    }
}
