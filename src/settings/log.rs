//! `[log]`: what is logged, and how.

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use super::kind::Rule;

/// `[log]`: what is logged, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// A level, or levels by part.
    pub filter: String,
    /// The shape of lines.
    pub format: LogFormat,
}

/// The shape of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

pub(super) const FORMATS: &[&str] = &["text", "json"];

pub(super) const FILTER_RULE: Rule = Rule {
    allowed: "error, warn, info, debug, trace or off, also by part such as `info,engine=debug`",
    accepts: is_filter,
};

/// A lone word that is no level would be taken for the name of a part, and `inof` would log nothing at all.
fn is_filter(text: &str) -> bool {
    const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace", "off"];
    let is_clear =
        |part: &str| part.contains(['=', '[']) || LEVELS.contains(&part.trim().to_ascii_lowercase().as_str());
    !text.trim().is_empty() && text.split(',').all(is_clear) && EnvFilter::try_new(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelled_level_is_refused() {
        for filter in ["info", "DEBUG", "off", "info,engine=debug", "warn,store[query]=trace"] {
            assert!(is_filter(filter), "{filter}");
        }
        for filter in ["", " ", "inof", "info,engine", "engine=loud"] {
            assert!(!is_filter(filter), "{filter}");
        }
    }
}
