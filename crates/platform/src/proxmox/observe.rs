//! What exists of a range: one list of machines per node, one of networks, and two calls per machine of the range.

use std::collections::BTreeSet;

use range::document::MachineKind;

use super::{
    api::Api,
    configuration::{DHCP, address_of},
    fabric::Networks,
    guests::{self, Owned},
    networks::UPLINK,
    platform::Proxmox,
    together::together,
};
use crate::{
    error::Error,
    observed::{Leftover, Observed, ObservedMachine, ObservedNetwork, ObservedNic, Power, RulesState},
    owner::Owner,
};

impl Proxmox {
    pub(super) async fn observe_range(&self, owner: &Owner) -> Result<Observed, Error> {
        let nodes = self.nodes().await?;
        let networks = self.fabric().await?.networks(&self.api).await?;
        let owned = guests::of_owner(guests::list(&self.api, &nodes).await?, owner);
        let mut observed = Observed::default();
        let own = networks.marked.iter().filter(|network| network.mark.owner == *owner);
        observed.networks = own
            .map(|network| ObservedNetwork {
                name: network.mark.name.clone(),
                id: network.id.clone(),
                cidr: network.mark.cidr,
            })
            .collect();
        let mut names = BTreeSet::new();
        let mut machines = Vec::new();
        for owned in owned {
            if names.insert(owned.name.clone()) {
                let networks = self.names_of(owner, &networks);
                machines.push(observed_machine(self.api.clone(), owned, networks));
            } else {
                // A user can clone a machine with its tags.
                let (id, node) = (owned.guest.id, &owned.guest.node);
                observed.leftovers.push(Leftover {
                    what: format!("a second machine `{}`: number {id} on node `{node}`", owned.name),
                    remove_by: format!("qm destroy {id} --purge (on node `{node}`)"),
                });
            }
        }
        observed.machines = together(machines).await?.into_iter().flatten().collect();
        observed.networks.sort_by(|a, b| a.name.cmp(&b.name));
        observed.machines.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(observed)
    }

    /// Bridges, and the networks of the range that they are.
    fn names_of(&self, owner: &Owner, networks: &Networks) -> Vec<(String, String)> {
        let own = networks.marked.iter().filter(|network| network.mark.owner == *owner && !network.is_going);
        let own = own.map(|network| (network.id.clone(), network.mark.name.clone()));
        own.chain(self.options.uplink.clone().map(|bridge| (bridge, UPLINK.to_owned()))).collect()
    }
}

/// `None`: it was removed in the meantime.
async fn observed_machine(
    api: Api,
    owned: Owned,
    networks: Vec<(String, String)>,
) -> Result<Option<ObservedMachine>, Error> {
    let (config, snapshots) = tokio::join!(owned.guest.config(&api), owned.guest.snapshots(&api));
    let (config, snapshots) = match (config, snapshots) {
        (Err(Error::Gone { .. }), _) | (_, Err(Error::Gone { .. })) => return Ok(None),
        (config, snapshots) => (config?, snapshots?),
    };
    let cards = config.network_cards().unwrap_or_default();
    let nics = cards.iter().map(|card| {
        let bridge = card.bridge.unwrap_or_default();
        let network = networks.iter().find(|(id, _)| id == bridge).map(|(_, name)| name.clone());
        let addresses = config.text(&card.device.replace("net", "ipconfig"));
        ObservedNic {
            network,
            mac: card.mac.unwrap_or_default().to_ascii_lowercase(),
            addresses: match addresses.as_deref() {
                // The platform does not know what DHCP assigned.
                Some(DHCP) => None,
                found => Some(found.and_then(address_of).into_iter().collect()),
            },
        }
    });
    Ok(Some(ObservedMachine {
        name: owned.name,
        id: owned.guest.id.to_string(),
        kind: MachineKind::Guest,
        power: if owned.guest.is_running { Power::On } else { Power::Off },
        nics: nics.collect(),
        rules: RulesState::None,
        snapshots,
        damage: None,
    }))
}
