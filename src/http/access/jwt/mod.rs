//! JWTs of an issuer whose keys are known: RS256 and ES256, checked with ring.
//!
//! A crate for JWTs would bring a second library of cryptography (aws-lc) or one with an open advisory (`rsa`,
//! RUSTSEC-2023-0071); what is needed of the format is little.

mod key;
mod source;
#[cfg(test)]
mod tests;
mod verify;

pub(super) use key::Keys;
pub(super) use source::Source;
pub use source::{Error, Place};
pub use verify::Rules;
pub(super) use verify::{key_id, verify};

use std::time::Duration;

/// How JWTs are checked.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the issuer's keys are.
    pub keys: Place,
    /// How long they count.
    pub refresh: Duration,
    /// What a token must say.
    pub rules: Rules,
}
