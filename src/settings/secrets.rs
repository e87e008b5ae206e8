//! `[secrets]`: what keeps the secret variables of jobs.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Paths, paths::Base};

/// `[secrets]`: what keeps the secret variables of jobs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// The file of the keys, if a setting says so.
    pub key_file: Option<PathBuf>,
}

impl Secrets {
    /// Where the keys are.
    #[must_use]
    pub fn key_file(&self, paths: &Paths) -> PathBuf {
        self.key_file.clone().unwrap_or_else(|| paths.key_file())
    }

    pub(super) fn resolve(&mut self, base: &Base) {
        base.resolve_option(&mut self.key_file);
    }
}
