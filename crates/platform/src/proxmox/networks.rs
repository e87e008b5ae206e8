//! Networks of ranges: created, corrected, removed, and applied together.

use range::expand::spec::{MachineSpec, NetworkSpec};

use super::{
    fabric::{Fabric, Networks},
    failure::is_taken,
    guests,
    mark::NetworkMark,
    platform::Proxmox,
    together::together,
};
use crate::{
    error::Error,
    owner::{Owner, Thing},
    platform::{Change, Ensured, Progress},
};

/// The name of the network to the outside in a document.
pub(super) const UPLINK: &str = "uplink";

impl Proxmox {
    /// Where networks come from.
    pub(super) async fn fabric(&self) -> Result<Fabric, Error> {
        if let Some(zone) = &self.options.zone {
            return Ok(Fabric::Zone(zone.clone()));
        }
        match &self.nodes().await?[..] {
            [node] => Ok(Fabric::Bridges(node.clone())),
            nodes => {
                let what = format!("bridges belong to one node, and the platform has {}", nodes.len());
                Err(Error::refused_with(
                    what,
                    "set `zone` of the platform to an SDN zone, or `nodes` to one node",
                ))
            }
        }
    }

    pub(super) async fn ensure_network(&self, owner: &Owner, spec: &NetworkSpec) -> Result<Ensured, Error> {
        let fabric = self.fabric().await?;
        let mark = NetworkMark { owner: owner.clone(), name: spec.name.clone(), cidr: Some(spec.cidr) };
        // Numbers and VLANs are chosen and taken by one call at a time.
        let choosing = self.choosing_network.lock().await;
        let networks = fabric.networks(&self.api).await?;
        networks.refuse_others(owner, &fabric)?;
        let change = match networks.find(owner, &spec.name) {
            Some(found) if found.is_going => {
                // What is staged for removal cannot be kept; it is applied first.
                let what = format!("the removal of network `{}` is not applied yet", spec.name);
                drop(choosing);
                let progress = self.applier.apply(&self.api, &fabric).await?;
                self.finish(progress).await?;
                return Err(Error::retry(what));
            }
            Some(found) if found.mark == mark => Change::Adopted,
            Some(found) => {
                fabric.update(&self.api, &found.id, &mark).await?;
                Change::Corrected
            }
            None => {
                fabric.create(&self.api, &self.options, &networks, &mark).await.map_err(|error| {
                    // Another service took the name or the VLAN in the meantime.
                    if is_taken(&error) { Error::retry(error.to_string()) } else { error }
                })?;
                Change::Created
            }
        };
        drop(choosing);
        // What an interrupted call staged is applied, too.
        let is_applied = change == Change::Adopted && !networks.is_staged();
        let progress =
            if is_applied { Progress::Done } else { self.applier.apply(&self.api, &fabric).await? };
        Ok(Ensured { change, progress })
    }

    pub(super) async fn remove_network(&self, thing: &Thing) -> Result<Progress, Error> {
        let fabric = self.fabric().await?;
        let networks = fabric.networks(&self.api).await?;
        let Some(network) = networks.find(&thing.owner, &thing.name) else { return Ok(Progress::Done) };
        networks.refuse_others(&thing.owner, &fabric)?;
        if !network.is_going {
            if let Some(machine) = self.user_of(&thing.owner, &network.id).await? {
                return Err(Error::refused(format!("{thing} is in use by machine `{machine}`")));
            }
            match fabric.remove(&self.api, &network.id).await {
                Ok(()) | Err(Error::Gone { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        self.applier.apply(&self.api, &fabric).await
    }

    /// A machine of the owner that is attached to this bridge.
    async fn user_of(&self, owner: &Owner, bridge: &str) -> Result<Option<String>, Error> {
        let owned = guests::of_owner(guests::list(&self.api, &self.nodes().await?).await?, owner);
        let calls = owned.into_iter().map(|owned| {
            let (api, bridge) = (self.api.clone(), bridge.to_owned());
            async move {
                let config = match owned.guest.config(&api).await {
                    Err(Error::Gone { .. }) => return Ok(None),
                    config => config?,
                };
                let cards = config.network_cards().unwrap_or_default();
                Ok(cards.iter().any(|card| card.bridge == Some(&*bridge)).then_some(owned.name))
            }
        });
        Ok(together(calls).await?.into_iter().flatten().next())
    }

    /// The bridge of each network interface of a machine.
    pub(super) async fn bridges(&self, owner: &Owner, spec: &MachineSpec) -> Result<Vec<String>, Error> {
        let networks: Networks = match spec.nics.iter().all(|nic| nic.network == UPLINK) {
            true => Networks::default(),
            false => self.fabric().await?.networks(&self.api).await?,
        };
        let bridge = |network: &str| {
            if network == UPLINK {
                return self.options.uplink.clone().ok_or_else(|| {
                    let what = format!("the platform `{}` has no uplink", self.options.rules.name);
                    Error::refused_with(what, "set `uplink_bridge` of the platform")
                });
            }
            let found = networks.find(owner, network).filter(|network| !network.is_going);
            found
                .map(|network| network.id.clone())
                .ok_or_else(|| Error::gone(format!("there is no network `{network}`")))
        };
        spec.nics.iter().map(|nic| bridge(&nic.network)).collect()
    }
}
