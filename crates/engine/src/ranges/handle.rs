//! The handle of ranges: reads them. `apply.rs` has the operations that change them.

use std::sync::Arc;

use jiff::Timestamp;
use model::{JournalRecord, RangeId, StoredPlan, StoredRange};
use platform::{Access, Observed};
use range::{Document, Plan, Recorded};
use serde_json::Value;
use store::Store;

use super::{
    error::RangeError,
    planning::{self, Checked, Target},
    request::StoredDocument,
    state::{self, RangeData},
};
use crate::{
    jobs::handle::Jobs,
    keyring::handle::Keyring,
    platforms::{PlatformEntry, Platforms},
};

/// The ranges of a store; clones are cheap.
#[derive(Debug, Clone)]
pub struct Ranges(Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) store: Store,
    pub(super) jobs: Jobs,
    pub(super) platforms: Platforms,
    pub(super) keys: Arc<Keyring>,
}

/// The last plan of a range, and how far it has come.
#[derive(Debug)]
pub struct LastPlan {
    /// The plan as it is stored.
    pub stored: StoredPlan,
    /// The plan.
    pub plan: Plan,
    /// The state of each step; `None` before the first one has begun.
    pub journal: Option<JournalRecord>,
}

impl Ranges {
    pub(crate) fn new(store: Store, jobs: Jobs, platforms: Platforms, keys: Arc<Keyring>) -> Self {
        Self(Arc::new(Inner { store, jobs, platforms, keys }))
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }

    /// The platforms of this node.
    #[must_use]
    pub fn platforms(&self) -> &Platforms {
        &self.0.platforms
    }

    /// The range with this name or ID.
    ///
    /// # Errors
    /// When it does not exist.
    pub async fn find(&self, name_or_id: &str) -> Result<StoredRange, RangeError> {
        let found = match name_or_id.parse::<RangeId>() {
            Ok(id) => self.0.store.range(id).await?,
            Err(_) => self.0.store.range_named(name_or_id).await?,
        };
        found.ok_or_else(|| RangeError::Unknown(name_or_id.to_owned()))
    }

    /// Ranges in the order of their creation, after one of them: at most `limit`.
    ///
    /// # Errors
    /// When the store does not respond.
    pub async fn list(
        &self,
        after: Option<(Timestamp, RangeId)>,
        limit: u32,
    ) -> Result<Vec<StoredRange>, RangeError> {
        Ok(self.0.store.ranges(after, limit).await?)
    }

    /// The document of a range, with fingerprints in place of secrets.
    ///
    /// # Errors
    /// When what is stored can't be read.
    pub fn document(&self, range: &StoredRange) -> Result<StoredDocument, RangeError> {
        state::read("document", &range.document)
    }

    /// What exists of a range now, the completed steps of a running plan included.
    ///
    /// # Errors
    /// When what is stored can't be read.
    pub async fn recorded(&self, range: &StoredRange) -> Result<Recorded, RangeError> {
        state::current(&self.0.store, &RangeData::read(range.clone())?).await
    }

    /// The last plan of a range.
    ///
    /// # Errors
    /// When what is stored can't be read.
    pub async fn last_plan(&self, range: &StoredRange) -> Result<Option<LastPlan>, RangeError> {
        let Some(stored) = self.0.store.plan(range.plan).await? else { return Ok(None) };
        let plan = state::read("plan", &stored.plan)?;
        let journal = self.0.store.journal(range.plan).await?;
        Ok(Some(LastPlan { stored, plan, journal }))
    }

    /// What the platform has of a range.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn observe(&self, range: &StoredRange) -> Result<Observed, RangeError> {
        let (entry, owner) = self.place(range)?;
        let observed = entry.platform.observe(&owner).await;
        observed.map_err(|source| RangeError::Platform { name: range.platform.clone(), source })
    }

    /// How a machine of a range is reached by SSH.
    ///
    /// # Errors
    /// When the machine does not exist, or the platform fails.
    pub async fn access(&self, range: &StoredRange, machine: &str) -> Result<Access, RangeError> {
        let (entry, owner) = self.place(range)?;
        let thing = owner.thing(platform::ThingKind::Machine, machine);
        let access = entry.platform.access(&thing).await;
        access.map_err(|source| RangeError::Platform { name: range.platform.clone(), source })
    }

    /// The document in types, for the reachability matrix.
    ///
    /// # Errors
    /// When what is stored can't be read any more.
    pub fn typed_document(&self, range: &StoredRange) -> Result<Document, RangeError> {
        Document::from_value(&self.document(range)?.document).map_err(RangeError::Invalid)
    }

    /// The platform with this name, with what plans are made from.
    pub(super) async fn target(&self, platform: &str) -> Result<Target, RangeError> {
        Target::load(&self.0.platforms, &self.0.store, platform).await
    }

    /// Reads a document, and checks it against its platform.
    pub(super) async fn checked(&self, document: &Value) -> Result<Checked, RangeError> {
        planning::checked(&self.0.platforms, &self.0.store, document).await
    }

    /// The platform of a range, and the owner of what exists there.
    pub(super) fn place(&self, range: &StoredRange) -> Result<(&PlatformEntry, platform::Owner), RangeError> {
        let entry = planning::platform(&self.0.platforms, &range.platform)?;
        let owner = self.0.platforms.owner(range.id).map_err(|error| RangeError::Platform {
            name: range.platform.clone(),
            source: platform::Error::refused(error.to_string()),
        })?;
        Ok((entry, owner))
    }
}
