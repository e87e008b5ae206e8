//! Makes plans: reads a document, expands it with leases, and compares it with what exists.

use std::sync::Arc;

use model::RangeId;
use platform::Description;
use range::{
    Document, Leases, Plan, Recorded, Values, check, expand,
    expand::spec::Desired,
    plan::{Estimates, Inputs},
};
use serde_json::Value;
use store::HeldLease;

use super::{error::RangeError, leases};
use crate::platforms::{PlatformEntry, Platforms};

/// A document that is checked against its platform.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) document: Document,
    pub(super) platform: PlatformEntry,
    pub(super) description: Arc<Description>,
}

/// What a plan needs besides the document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) range: RangeId,
    pub(super) recorded: &'a Recorded,
    pub(super) values: &'a Values,
    pub(super) held: &'a [HeldLease],
}

/// A plan with the leases that it needs.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) plan: Plan,
    pub(super) leases: Leases,
}

/// The platform with this name.
pub(super) fn platform<'a>(platforms: &'a Platforms, name: &str) -> Result<&'a PlatformEntry, RangeError> {
    platforms.get(name).ok_or_else(|| RangeError::UnknownPlatform {
        name: name.to_owned(),
        known: platforms.iter().map(|(name, _)| name.to_owned()).collect(),
    })
}

/// What a platform accepts now.
pub(super) async fn describe(name: &str, entry: &PlatformEntry) -> Result<Description, RangeError> {
    let described = entry.platform.describe().await;
    described.map_err(|source| RangeError::Platform { name: name.to_owned(), source })
}

/// Reads and checks a document. Its form is checked before its platform is asked for anything.
pub(super) async fn checked(platforms: &Platforms, value: &Value) -> Result<Checked, RangeError> {
    let document = Document::from_value(value).map_err(RangeError::Invalid)?;
    let name = document.platform.as_str();
    let entry = platform(platforms, name)?;
    let description = Arc::new(describe(name, entry).await?);
    let document = check::read_value(value, &description.rules).map_err(RangeError::Invalid)?;
    Ok(Checked { document, platform: entry.clone(), description })
}

impl Checked {
    /// The plan from what exists to what the document describes.
    pub(super) fn plan(&self, around: Around<'_>) -> Result<Made, RangeError> {
        let held = leases::for_expansion(around.range, around.held, &self.description.subnets_in_use);
        let rules = &self.description.rules;
        let desired = expand(&self.document, around.values, &held, rules).map_err(RangeError::Invalid)?;
        let leases = desired.leases(&self.document);
        Ok(Made { plan: self.plan_to(&desired, around.recorded), leases })
    }

    fn plan_to(&self, desired: &Desired, recorded: &Recorded) -> Plan {
        plan_to(desired, recorded, &self.description, &self.platform)
    }
}

/// The plan from what exists to what is desired.
pub(super) fn plan_to(
    desired: &Desired,
    recorded: &Recorded,
    description: &Description,
    platform: &PlatformEntry,
) -> Plan {
    let estimates = Estimates::default();
    let inputs =
        Inputs { rules: &description.rules, estimates: &estimates, prices: platform.prices.as_ref() };
    range::plan(desired, recorded, &inputs)
}

/// Checks that the caller expects this plan, and has confirmed what it destroys.
pub(super) fn accept(plan: &Plan, digest: Option<&str>, confirm: &[String]) -> Result<(), RangeError> {
    if let Some(expected) = digest.filter(|digest| *digest != plan.digest) {
        return Err(RangeError::Changed { expected: expected.to_owned(), found: plan.digest.clone() });
    }
    let is_confirmed = |name: &str| confirm.iter().any(|confirmed| confirmed == "*" || confirmed == name);
    let unconfirmed: Vec<_> =
        plan.destroyed.iter().filter(|destroyed| !is_confirmed(&destroyed.name)).cloned().collect();
    if unconfirmed.is_empty() { Ok(()) } else { Err(RangeError::Unconfirmed(unconfirmed)) }
}
