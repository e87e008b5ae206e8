//! Reads what the inventory of a range needs: what exists, how the platform reaches each machine, and the private key.

use std::{collections::BTreeMap, path::Path};

use ansible::{GeneratedInventory, ssh_config_path};
use model::{RangeId, RunId, StoredRange};
use platform::{Access, ThingKind};
use range::Recorded;
use std::sync::Arc;
use store::Store;
use tokio::task::JoinSet;

use super::{
    error::RangeError,
    handle::Ranges,
    inventory::{Connection, Inventory, inventory},
    planning,
    secrets::RangeSecrets,
    state::{self, RangeData},
};
use crate::{
    keyring::handle::Keyring,
    platforms::{Platforms, TaskMode},
};

/// Makes inventories of ranges.
#[derive(Debug, Clone)]
pub(crate) struct RangeInventories {
    pub(crate) store: Store,
    pub(crate) platforms: Platforms,
    pub(crate) keys: Arc<Keyring>,
}

impl Ranges {
    /// The inventory of a range as YAML: hosts, groups, and variables, without keys and without files of a run.
    ///
    /// # Errors
    /// When what is stored can't be read, or the platform fails.
    pub async fn inventory(&self, range: &StoredRange) -> Result<String, RangeError> {
        let inner = self.inner();
        let inventories = RangeInventories {
            store: inner.store.clone(),
            platforms: inner.platforms.clone(),
            keys: Arc::clone(&inner.keys),
        };
        Ok(inventories.of(range, Connection::Described).await?.text)
    }
}

impl RangeInventories {
    /// The range with this name.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn named(&self, name: &str) -> Result<Option<RangeId>, RangeError> {
        Ok(self.store.range_named(name).await?.map(|range| range.id))
    }

    /// The inventory of a range for a run, at this place among its inventories.
    ///
    /// # Errors
    /// When the range does not exist or has no key, what is stored can't be read, or the platform fails.
    pub(crate) async fn for_run(
        &self,
        id: RangeId,
        position: usize,
        runtime: &Path,
        run: RunId,
    ) -> Result<GeneratedInventory, RangeError> {
        let range = self.store.range(id).await?.ok_or_else(|| RangeError::Unknown(id.to_string()))?;
        let name = format!("range-{id}");
        let configuration = ssh_config_path(runtime, run, &name);
        let connection = match planning::platform(&self.platforms, &range.platform)?.tasks {
            TaskMode::OnThisNode => Connection::ThisNode,
            TaskMode::OverSsh | TaskMode::Skipped => Connection::Ssh(&configuration),
        };
        let encrypted =
            self.store.range_secrets(id).await?.ok_or_else(|| RangeError::NoKey(range.name.clone()))?;
        let secrets = RangeSecrets::unseal(&self.keys, id, &encrypted)?;
        let Inventory { text, machines } = self.of(&range, connection).await?;
        Ok(GeneratedInventory { position, name, text, private_key: secrets.private_key().clone(), machines })
    }

    async fn of(&self, range: &StoredRange, connection: Connection<'_>) -> Result<Inventory, RangeError> {
        let recorded = state::current(&self.store, &RangeData::read(range.clone())?).await?;
        let access = self.access(range, &recorded).await?;
        Ok(inventory(&range.name, &recorded, &access, connection))
    }

    /// How each machine is reached; those that don't exist on the platform are left out.
    async fn access(
        &self,
        range: &StoredRange,
        recorded: &Recorded,
    ) -> Result<BTreeMap<String, Access>, RangeError> {
        let entry = planning::platform(&self.platforms, &range.platform)?;
        let failed = |source| RangeError::Platform { name: range.platform.clone(), source };
        let owner = self.platforms.owner(range.id);
        let owner = owner.map_err(|error| failed(platform::Error::refused(error.to_string())))?;
        let (mut found, mut calls) = (BTreeMap::new(), JoinSet::new());
        let mut names = recorded.machines.keys();
        loop {
            while calls.len() < entry.calls.max(1)
                && let Some(name) = names.next()
            {
                let (platform, name) = (Arc::clone(&entry.platform), name.clone());
                let machine = owner.thing(ThingKind::Machine, &name);
                calls.spawn(async move { (name, platform.access(&machine).await) });
            }
            match calls.join_next().await {
                None => return Ok(found),
                Some(Ok((name, Ok(access)))) => {
                    found.insert(name, access);
                }
                Some(Ok((_, Err(platform::Error::Gone { .. })))) => {}
                Some(Ok((_, Err(error)))) => return Err(failed(error)),
                Some(Err(error)) => return Err(failed(platform::Error::retry(error.to_string()))),
            }
        }
    }
}
