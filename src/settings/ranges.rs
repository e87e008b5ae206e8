//! `[ranges]`: how plans of ranges are carried out.

use std::{collections::BTreeMap, time::Duration};

use platform::Owner;
use serde::{Deserialize, Serialize};

use super::{Error, Platform, kind::Rule, seconds};

/// `[ranges]`: how plans of ranges are carried out.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranges {
    /// The name of the service in the marks of everything that it creates, unless it follows from the database.
    pub service: Option<String>,
    /// Maximum number of concurrent steps of a plan.
    pub max_concurrent_steps: usize,
    /// Maximum number of attempts of a step.
    pub tries: u32,
    /// How long a call without an answer may still be carried out by a platform.
    #[serde(rename = "settle_s", with = "seconds")]
    pub settle: Duration,
    /// How long a machine may take until it is ready, if its document has no limit.
    #[serde(rename = "ready_within_s", with = "seconds")]
    pub ready_within: Duration,
    /// The interval between two searches for ranges whose lifetime is over.
    #[serde(rename = "check_interval_s", with = "seconds")]
    pub check_interval: Duration,
    /// Whether the API of the Local Deployments Orchestrator is available.
    pub ldo_enabled: bool,
    /// The platform of its ranges.
    pub ldo_platform: String,
}

impl Ranges {
    /// The same for the engine.
    #[must_use]
    pub fn options(&self) -> engine::RangeOptions {
        engine::RangeOptions {
            concurrent_steps: self.max_concurrent_steps,
            tries: self.tries,
            settle: self.settle,
            ready_within: self.ready_within,
            check_interval: self.check_interval,
            ..engine::RangeOptions::default()
        }
    }

    /// The platform for ranges of the Local Deployments Orchestrator, if its API is available.
    #[must_use]
    pub fn ldo_platform(&self) -> Option<&str> {
        self.ldo_enabled.then_some(self.ldo_platform.as_str())
    }

    /// The platform that it names exists.
    pub(super) fn check(&self, platforms: &BTreeMap<String, Platform>) -> Result<(), Error> {
        match self.ldo_platform().filter(|name| !platforms.contains_key(*name)) {
            Some(name) => Err(Error::UnknownPlatform {
                key: "ranges.ldo_platform",
                name: name.to_owned(),
                known: platforms.keys().cloned().collect::<Vec<_>>().join(", "),
            }),
            None => Ok(()),
        }
    }
}

pub(super) const SERVICE_RULE: Rule = Rule {
    allowed: "1 to 40 lowercase letters, digits, and `-`, beginning with a letter or digit",
    accepts: |name| Owner::new(name, "range").is_ok(),
};
