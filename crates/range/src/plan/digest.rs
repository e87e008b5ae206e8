//! The digest of a plan: it names the states that the plan was made from, so that an apply can refuse when one of them changed.
//!
//! Estimates and prices are left out: they change by themselves and change no step.

use std::io;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::recorded::Recorded;
use crate::expand::spec::Desired;

struct Hashing(Sha256);

impl io::Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The SHA-256 of both states as JSON, in hexadecimal.
pub(super) fn of(desired: &Desired, recorded: &Recorded) -> String {
    #[derive(Serialize)]
    struct States<'a> {
        desired: &'a Desired,
        recorded: &'a Recorded,
    }
    let mut writer = io::BufWriter::with_capacity(64 * 1024, Hashing(Sha256::new()));
    let written = serde_json::to_writer(&mut writer, &States { desired, recorded });
    debug_assert!(written.is_ok(), "states are plain data: {written:?}");
    let hashing = writer.into_inner().map(|hashing| hashing.0).unwrap_or_default();
    hashing.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
