//! Isolation of runs; part of `[runs]`.

use serde::{Deserialize, Serialize};

/// The setting for isolation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IsolationLevel {
    /// Without a sandbox, unless a job requests one.
    Process,
    /// In a sandbox, always.
    Sandbox,
    /// In a sandbox if one can be created, with the user's SSH keys visible.
    Auto,
}

/// Whether runs in a sandbox see the SSH keys of the service's user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SshKeys {
    /// They do, unless `runs.isolation` is `sandbox`.
    Auto,
    /// They do.
    Visible,
    /// They don't.
    Hidden,
}

impl SshKeys {
    pub(super) const WORDS: &[&str] = &["auto", "visible", "hidden"];
}

impl IsolationLevel {
    pub(super) const WORDS: &[&str] = &["process", "sandbox", "auto"];
}

/// A valid name of a variable.
pub(super) fn is_variable(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
