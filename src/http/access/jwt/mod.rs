//! Verifies JWTs of a configured issuer (RS256 and ES256) with `ring`.
//!
//! A JWT crate would add a second cryptography library (aws-lc) or one with an open advisory (`rsa`,
//! RUSTSEC-2023-0071), and only a small part of the format is needed.

mod key;
mod source;
#[cfg(test)]
mod tests;
mod verify;

pub(super) use key::Keys;
pub(super) use source::Source;
pub use source::{Error, KeyLocation};
pub use verify::Rules;
pub(super) use verify::{key_id, verify};

use std::time::Duration;

/// Options of JWT verification.
#[derive(Debug, Clone)]
pub struct Options {
    /// The location of the issuer's keys.
    pub keys: KeyLocation,
    /// How long keys are used before they are read again.
    pub refresh: Duration,
    /// The rules that a token must satisfy.
    pub rules: Rules,
}
