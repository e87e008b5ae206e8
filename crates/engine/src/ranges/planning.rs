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
use store::{HeldLease, Store};

use super::{durations, error::RangeError, leases};
use crate::platforms::{PlatformEntry, Platforms};

/// The platform of a range, with what plans are made from.
#[derive(Debug)]
pub(super) struct Target {
    entry: PlatformEntry,
    pub(super) description: Arc<Description>,
    estimates: Estimates,
}

impl Target {
    /// Reads what the platform with this name accepts now, and how long its steps take.
    pub(super) async fn load(platforms: &Platforms, store: &Store, name: &str) -> Result<Self, RangeError> {
        let entry = platform(platforms, name)?;
        let described = entry.platform.describe().await;
        let description =
            described.map_err(|source| RangeError::Platform { name: name.to_owned(), source })?;
        let estimates = durations::estimates(store, name).await?;
        Ok(Self { entry: entry.clone(), description: Arc::new(description), estimates })
    }

    /// What plans are made with.
    pub(super) fn inputs(&self) -> Inputs<'_> {
        let (rules, prices) = (&self.description.rules, self.entry.prices.as_ref());
        Inputs { rules, estimates: &self.estimates, prices }
    }

    /// The plan from what exists to what is desired.
    pub(super) fn plan(&self, desired: &Desired, recorded: &Recorded) -> Plan {
        range::plan(desired, recorded, &self.inputs())
    }
}

/// A document that is checked against its platform.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) document: Document,
    pub(super) target: Target,
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

/// Reads and checks a document. Its form is checked before its platform is asked for anything.
pub(super) async fn checked(
    platforms: &Platforms,
    store: &Store,
    value: &Value,
) -> Result<Checked, RangeError> {
    let document = Document::from_value(value).map_err(RangeError::Invalid)?;
    let target = Target::load(platforms, store, document.platform.as_str()).await?;
    let document = check::read_value(value, &target.description.rules).map_err(RangeError::Invalid)?;
    Ok(Checked { document, target })
}

impl Checked {
    /// The plan from what exists to what the document describes.
    pub(super) fn plan(&self, around: Around<'_>) -> Result<Made, RangeError> {
        let Description { rules, subnets_in_use, .. } = &*self.target.description;
        let held = leases::for_expansion(around.range, around.held, subnets_in_use);
        let desired = expand(&self.document, around.values, &held, rules).map_err(RangeError::Invalid)?;
        let leases = desired.leases(&self.document);
        Ok(Made { plan: self.target.plan(&desired, around.recorded), leases })
    }
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
