//! Pseudorandom numbers that can be repeated with the same seed.

/// Xorshift, 64 bits.
pub(crate) struct Random(u64);

impl Random {
    /// With the seed in `RANGEHAND_TORTURE_SEED`, or one from the clock. Returns the seed.
    pub(crate) fn new() -> (Self, u64) {
        let given = std::env::var("RANGEHAND_TORTURE_SEED").ok().and_then(|seed| seed.parse().ok());
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        let seed = given.unwrap_or(u64::from(now.subsec_nanos())).max(1);
        (Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1), seed)
    }

    /// From 0 up to, not including, `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % end
    }

    /// True in one of `times` cases.
    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}
