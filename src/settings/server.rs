//! `[server]`: the HTTP server.

use std::{fmt, time::Duration};

use regex::Regex;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{kind::Rule, seconds};

/// `[server]`: the HTTP server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// The address to listen on: an IP address or a host name.
    pub host: String,
    /// The TCP port to listen on; 0 takes any free one.
    pub port: u16,
    /// Threads that answer requests, at least one.
    pub workers: usize,
    /// The longest request body in bytes.
    pub body_limit_bytes: usize,
    /// Web origins that may call from a browser.
    #[serde(rename = "cors_origin_regex")]
    pub cors_origins: OriginPattern,
    /// The longest time that a request may wait for a job.
    #[serde(rename = "wait_max_s", with = "seconds")]
    pub wait_max: Duration,
    /// Is the job of a v0 call canceled when the caller leaves before it has ended?
    pub cancel_on_disconnect: bool,
    /// How long open requests are given to finish when the service stops.
    #[serde(rename = "shutdown_grace_s", with = "seconds")]
    pub shutdown_grace: Duration,
}

impl Server {
    pub(super) fn resolve(&mut self, cores: usize) {
        if self.workers == 0 {
            self.workers = cores.max(1);
        }
    }
}

pub(super) const ORIGIN_RULE: Rule = Rule {
    allowed: "a regular expression (without look-around and back references)",
    accepts: |text| OriginPattern::parse(text).is_ok(),
};

/// A pattern of web origins, which must match the whole of an origin.
#[derive(Debug, Clone)]
pub struct OriginPattern {
    text: String,
    whole: Regex,
}

impl OriginPattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// The text is not a regular expression.
    pub fn parse(text: &str) -> Result<Self, regex::Error> {
        // Compiled bare first: `a)|(b` is wrong, but right between the parentheses that are put around it.
        Regex::new(text)?;
        Ok(Self { text: text.to_owned(), whole: Regex::new(&format!(r"\A(?:{text})\z"))? })
    }

    /// Whether a page of this origin may call.
    #[must_use]
    pub fn allows(&self, origin: &str) -> bool {
        self.whole.is_match(origin)
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for OriginPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for OriginPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_must_match_the_whole_origin() {
        let pattern = OriginPattern::parse("https://a.example|http://b").unwrap();
        assert!(pattern.allows("https://a.example"));
        assert!(pattern.allows("http://b"));
        for origin in ["https://a.example.evil.org", "xhttps://a.example", "http://b\n", ""] {
            assert!(!pattern.allows(origin), "{origin:?}");
        }
    }

    #[test]
    fn a_pattern_must_compile() {
        for text in ["(", "a)|(b", "[", "(?=x)"] {
            assert!(OriginPattern::parse(text).is_err(), "{text}");
        }
    }
}
