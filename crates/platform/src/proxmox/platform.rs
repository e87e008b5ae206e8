//! Proxmox as a platform: the calls of the trait.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::{Mutex, Semaphore};

use super::{
    api::Api, applier::Applier, client::Client, guests::text, platform_options::PlatformOptions, tasks,
};
use crate::{
    description::Description,
    error::Error,
    observed::{Observed, Power},
    owner::{Owner, Thing, ThingKind},
    platform::{Access, Answer, Awaited, Ensured, Platform, Progress, SnapshotAction},
    wanted::Wanted,
};

/// A cluster of Proxmox VE.
#[derive(Debug)]
pub struct Proxmox {
    pub(super) options: PlatformOptions,
    pub(super) api: Api,
    pub(super) applier: Applier,
    pub(super) clones: Semaphore,
    pub(super) choosing_machine: Mutex<()>,
    pub(super) choosing_network: Mutex<()>,
}

impl Proxmox {
    /// The cluster with these options. Nothing is called yet.
    #[must_use]
    pub fn new(options: PlatformOptions) -> Self {
        let client = Arc::new(Client::new(options.client.clone()));
        Self {
            api: Api::new(client, options.credentials.clone()),
            applier: Applier::default(),
            clones: Semaphore::new(options.clones_at_once.max(1)),
            choosing_machine: Mutex::default(),
            choosing_network: Mutex::default(),
            options,
        }
    }

    /// The nodes that ranges use. One that is offline is one of them: its machines are not gone.
    pub(super) async fn nodes(&self) -> Result<Vec<String>, Error> {
        if !self.options.nodes.is_empty() {
            return Ok(self.options.nodes.clone());
        }
        let nodes = self.api.list("nodes", &[]).await?;
        let mut names: Vec<String> = nodes.iter().map(|node| text(&node.get("node").cloned())).collect();
        names.sort();
        Ok(names)
    }

    pub(super) async fn finish(&self, progress: Progress) -> Result<(), Error> {
        match progress {
            Progress::Done => Ok(()),
            Progress::Pending(handle) => tasks::finish(&self.api, &Value::from(handle.0)).await,
        }
    }
}

impl Platform for Proxmox {
    fn describe(&self) -> Answer<'_, Description> {
        Box::pin(self.description())
    }

    fn observe<'a>(&'a self, owner: &'a Owner) -> Answer<'a, Observed> {
        Box::pin(self.observe_range(owner))
    }

    fn ensure<'a>(&'a self, owner: &'a Owner, wanted: &'a Wanted) -> Answer<'a, Ensured> {
        Box::pin(async move {
            match wanted {
                Wanted::Network(network) => self.ensure_network(owner, network).await,
                Wanted::Machine(machine) => {
                    let change = self.ensure_machine(owner, machine).await?;
                    Ok(Ensured { change, progress: Progress::Done })
                }
                Wanted::Rules(router) => Err(no_rules(&router.name)),
            }
        })
    }

    fn power<'a>(&'a self, machine: &'a Thing, power: Power) -> Answer<'a, Progress> {
        Box::pin(self.switch(machine, power))
    }

    fn access<'a>(&'a self, machine: &'a Thing) -> Answer<'a, Access> {
        Box::pin(self.access_to(machine))
    }

    fn snapshot<'a>(&'a self, machine: &'a Thing, action: &'a SnapshotAction) -> Answer<'a, Progress> {
        Box::pin(self.change_snapshot(machine, action))
    }

    fn remove<'a>(&'a self, thing: &'a Thing) -> Answer<'a, Progress> {
        Box::pin(async move {
            match thing.kind {
                ThingKind::Network => self.remove_network(thing).await,
                ThingKind::Machine => self.remove_machine(thing).await,
                // The platform has set none.
                ThingKind::Rules => Ok(Progress::Done),
            }
        })
    }

    fn wait<'a>(&'a self, awaited: &'a Awaited) -> Answer<'a, ()> {
        Box::pin(async move {
            match awaited {
                Awaited::Task(handle) => tasks::wait(&self.api, &handle.0).await,
                Awaited::Ready { machine, ready, within } => self.wait_ready(machine, *ready, *within).await,
            }
        })
    }
}

fn no_rules(router: &str) -> Error {
    Error::NotSupported { what: format!("Proxmox sets no rules of `{router}`: routers set their own") }
}
