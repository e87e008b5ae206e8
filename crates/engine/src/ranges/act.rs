//! Actions on a range as a whole: start, stop, snapshots, verification, repair; and what differs from its document.

use model::{RangeGoal, StoredRange};
use platform::Observed;
use range::{
    Document, Recorded, expand,
    expand::spec::Desired,
    plan::{ActionError, RangeAction as MachineAction, Scope, Subject, action_plan},
};
use store::HeldLease;

use super::{
    apply::Draft,
    drift::{Comparison, Difference},
    error::RangeError,
    handle::Ranges,
    leases,
    planning::Checked,
    request::Applied,
    state::RangeData,
};
use crate::jobs::submit::Submitter;

impl Ranges {
    /// What differs between what is recorded of a range and what its platform has.
    ///
    /// # Errors
    /// When what is stored can't be read, or the platform fails.
    pub async fn drift(&self, range: &StoredRange) -> Result<Vec<Difference>, RangeError> {
        let data = RangeData::read(range.clone())?;
        let checked = self.checked(&data.document.document).await?;
        let observed = self.observe(range).await?;
        let held = self.inner().store.leases_on(&range.platform).await?;
        let desired = desired(&data, &checked, &held)?;
        let recorded = super::state::current(&self.inner().store, &data).await?;
        Ok(comparison(&desired, &recorded, &observed, &checked).differences())
    }

    /// Corrects what differs from the document.
    pub(super) async fn repair(&self, range: &StoredRange, by: &Submitter) -> Result<Applied, RangeError> {
        let data = RangeData::read(range.clone())?;
        let checked = self.checked(&data.document.document).await?;
        let observed = self.observe(range).await?;
        self.store_and_submit(range.id, &range.platform, RangeGoal::Apply, by, |inputs| {
            let stored = inputs.range.clone().ok_or_else(|| RangeError::Unknown(range.name.clone()))?;
            let data = RangeData::read(stored)?;
            let desired = desired(&data, &checked, &inputs.leases)?;
            let adjusted = comparison(&desired, &data.recorded, &observed, &checked).adjusted();
            let plan = checked.target.plan(&desired, &adjusted);
            if plan.is_empty() {
                return Ok(Err(plan));
            }
            let leases = desired.leases(&checked.document);
            Ok(Ok(Draft {
                plan,
                expires_at: data.stored.expires_at,
                document: data.document,
                recorded: adjusted,
                leases,
                secrets: None,
            }))
        })
        .await
    }

    /// Does something with machines that exist.
    pub(super) async fn act_on_machines(
        &self,
        range: &StoredRange,
        action: MachineAction,
        scope: Scope,
        by: &Submitter,
    ) -> Result<Applied, RangeError> {
        let target = self.target(&range.platform).await?;
        self.store_and_submit(range.id, &range.platform, RangeGoal::Apply, by, |inputs| {
            let stored = inputs.range.clone().ok_or_else(|| RangeError::Unknown(range.name.clone()))?;
            let data = RangeData::read(stored)?;
            let document = Document::from_value(&data.document.document).map_err(RangeError::Invalid)?;
            let subject =
                Subject { range: &range.name, platform: &range.platform, on_failure: document.on_failure };
            let plan = action_plan(subject, &data.recorded, &action, &scope, &target.inputs())
                .map_err(|error: ActionError| RangeError::Action(error))?;
            if plan.is_empty() {
                return Ok(Err(plan));
            }
            Ok(Ok(Draft {
                plan,
                expires_at: data.stored.expires_at,
                document: data.document,
                recorded: data.recorded,
                leases: range::Leases::default(),
                secrets: None,
            }))
        })
        .await
    }
}

/// What the document of a range describes, with the leases that the range has.
pub(super) fn desired(
    data: &RangeData,
    checked: &Checked,
    held: &[HeldLease],
) -> Result<Desired, RangeError> {
    let leases = leases::for_expansion(data.stored.id, held, &checked.target.description.subnets_in_use);
    let rules = &checked.target.description.rules;
    expand(&checked.document, &data.document.values, &leases, rules).map_err(RangeError::Invalid)
}

fn comparison<'a>(
    desired: &'a Desired,
    recorded: &'a Recorded,
    observed: &'a Observed,
    checked: &'a Checked,
) -> Comparison<'a> {
    Comparison { desired, recorded, observed, capabilities: &checked.target.description.capabilities }
}
