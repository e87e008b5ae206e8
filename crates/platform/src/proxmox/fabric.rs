//! Where networks come from: virtual networks of an SDN zone of the cluster, or Linux bridges of one node. Both are staged first, and
//! applied afterwards; applying also applies what others have staged.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    api::Api,
    guests::{number, text},
    mark::{NetworkMark, network_id},
    pending::stanzas,
    platform_options::PlatformOptions,
};
use crate::{error::Error, owner::Owner};

/// The numbers of bridges, `vmbr1000` to `vmbr4094`: Proxmox shows no other names in all of its versions.
const BRIDGES: std::ops::RangeInclusive<u64> = 1000..=4094;

/// Where networks come from.
#[derive(Debug, Clone)]
pub(super) enum Fabric {
    /// Virtual networks of this zone.
    Zone(String),
    /// Bridges of this node.
    Bridges(String),
}

/// A network that carries a mark.
#[derive(Debug, Clone)]
pub(super) struct Network {
    pub(super) id: String,
    pub(super) mark: NetworkMark,
    /// Its removal is staged.
    pub(super) is_going: bool,
}

/// All networks that carry a mark, and what is staged.
#[derive(Debug, Default)]
pub(super) struct Networks {
    pub(super) marked: Vec<Network>,
    /// All names that are in use.
    taken: BTreeSet<String>,
    /// All tags of the zone that are in use.
    tags: BTreeSet<u64>,
    /// What is staged: a name, and the owner if it is marked.
    staged: Vec<(String, Option<Owner>)>,
}

impl Networks {
    /// The network of this owner with this name.
    pub(super) fn find(&self, owner: &Owner, name: &str) -> Option<&Network> {
        self.marked.iter().find(|network| network.mark.owner == *owner && network.mark.name == name)
    }

    /// Is something staged?
    pub(super) fn is_staged(&self) -> bool {
        !self.staged.is_empty()
    }

    /// Refuses if something is staged that this service did not stage.
    pub(super) fn refuse_others(&self, owner: &Owner, fabric: &Fabric) -> Result<(), Error> {
        let is_other = |of: &Option<Owner>| of.as_ref().is_none_or(|of| of.service() != owner.service());
        let others: Vec<&str> =
            self.staged.iter().filter(|(_, of)| is_other(of)).map(|(name, _)| name.as_str()).collect();
        if others.is_empty() {
            return Ok(());
        }
        let hint = match fabric {
            Fabric::Zone(_) => "apply or revert them in Proxmox: Datacenter, SDN".to_owned(),
            Fabric::Bridges(node) => {
                format!("apply or revert them in Proxmox: node `{node}`, System, Network")
            }
        };
        let names = others.join("`, `");
        let what = format!(
            "changes of the network that others have staged in Proxmox would be applied, too: `{names}`"
        );
        Err(Error::refused_with(what, hint))
    }

    /// A name for a new network.
    fn new_id(&self, fabric: &Fabric, owner: &Owner, name: &str) -> Result<String, Error> {
        let id = match fabric {
            Fabric::Zone(_) => {
                (0..100).map(|attempt| network_id(owner, name, attempt)).find(|id| !self.taken.contains(id))
            }
            Fabric::Bridges(_) => {
                let count = BRIDGES.end() - BRIDGES.start() + 1;
                let first = u64::from_be_bytes(owner.fingerprint(name)) % count;
                let ids = (0..count).map(|at| format!("vmbr{}", BRIDGES.start() + (first + at) % count));
                ids.into_iter().find(|id| !self.taken.contains(id))
            }
        };
        id.ok_or_else(|| Error::refused(format!("no name is free for network `{name}`")))
    }
}

impl Fabric {
    /// Reads all networks.
    pub(super) async fn networks(&self, api: &Api) -> Result<Networks, Error> {
        match self {
            Self::Zone(_) => {
                let zones = api.list("cluster/sdn/zones", &[("pending", "1")]).await?;
                let vnets = api.list("cluster/sdn/vnets", &[("pending", "1")]).await?;
                Ok(self.of_zone(&zones, &vnets))
            }
            Self::Bridges(node) => {
                let answer = api.whole(&format!("nodes/{node}/network"), &[]).await?;
                let interfaces = answer.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
                Ok(of_node(&interfaces, answer.get("changes").and_then(Value::as_str).unwrap_or_default()))
            }
        }
    }

    fn of_zone(&self, zones: &[Value], vnets: &[Value]) -> Networks {
        let Self::Zone(zone) = self else { return Networks::default() };
        let mut networks = Networks::default();
        for changed in zones.iter().filter(|zone| !zone["state"].is_null()) {
            networks.staged.push((text(&changed.get("zone").cloned()), None));
        }
        for vnet in vnets {
            // What is staged is in `pending`; without it, the value is applied.
            let value = |key: &str| vnet["pending"].get(key).or_else(|| vnet.get(key)).cloned();
            let id = text(&value("vnet"));
            let mark = NetworkMark::parse(&text(&value("alias")));
            if !vnet["state"].is_null() {
                networks.staged.push((id.clone(), mark.as_ref().map(|mark| mark.owner.clone())));
            }
            if text(&value("zone")) == *zone {
                networks.tags.insert(number(&value("tag")));
            }
            networks.taken.insert(id.clone());
            let is_going = vnet["state"] == "deleted";
            networks.marked.extend(mark.map(|mark| Network { id, mark, is_going }));
        }
        networks
    }

    /// Stages a new network.
    pub(super) async fn create(
        &self,
        api: &Api,
        options: &PlatformOptions,
        networks: &Networks,
        mark: &NetworkMark,
    ) -> Result<(), Error> {
        let (id, text) = (networks.new_id(self, &mark.owner, &mark.name)?, mark.text());
        match self {
            Self::Zone(zone) => {
                let tag = match &options.vlans {
                    None => None,
                    Some(vlans) => Some(free_tag(vlans, networks)?.to_string()),
                };
                let mut form = vec![("vnet", id.as_str()), ("zone", zone), ("alias", &text)];
                form.extend(tag.as_deref().map(|tag| ("tag", tag)));
                api.post("cluster/sdn/vnets", &form).await?;
            }
            Self::Bridges(node) => {
                let form =
                    [("iface", id.as_str()), ("type", "bridge"), ("autostart", "1"), ("comments", &text)];
                api.post(&format!("nodes/{node}/network"), &form).await?;
            }
        }
        Ok(())
    }

    /// Stages another mark of a network.
    pub(super) async fn update(&self, api: &Api, id: &str, mark: &NetworkMark) -> Result<(), Error> {
        let text = mark.text();
        match self {
            Self::Zone(_) => api.put(&format!("cluster/sdn/vnets/{id}"), &[("alias", &text)]).await?,
            Self::Bridges(node) => {
                let form = [("type", "bridge"), ("autostart", "1"), ("comments", &text)];
                api.put(&format!("nodes/{node}/network/{id}"), &form).await?
            }
        };
        Ok(())
    }

    /// Stages the removal of a network.
    pub(super) async fn remove(&self, api: &Api, id: &str) -> Result<(), Error> {
        let path = match self {
            Self::Zone(_) => format!("cluster/sdn/vnets/{id}"),
            Self::Bridges(node) => format!("nodes/{node}/network/{id}"),
        };
        api.delete(&path, &[]).await.map(drop)
    }

    /// Applies what is staged. Returns the task.
    pub(super) async fn apply(&self, api: &Api) -> Result<Value, Error> {
        match self {
            Self::Zone(_) => api.put("cluster/sdn", &[]).await,
            Self::Bridges(node) => api.put(&format!("nodes/{node}/network"), &[]).await,
        }
    }
}

fn of_node(interfaces: &[Value], changes: &str) -> Networks {
    let mut networks = Networks::default();
    for interface in interfaces {
        let id = text(&interface.get("iface").cloned());
        networks.taken.insert(id.clone());
        let mark = NetworkMark::parse(&text(&interface.get("comments").cloned()));
        networks.marked.extend(mark.map(|mark| Network { id, mark, is_going: false }));
    }
    for stanza in stanzas(changes) {
        networks.staged.push((stanza.interface.clone(), stanza.mark.as_ref().map(|mark| mark.owner.clone())));
        if stanza.is_removed && !networks.taken.contains(&stanza.interface) {
            let id = stanza.interface;
            networks.marked.extend(stanza.mark.map(|mark| Network { id, mark, is_going: true }));
        }
    }
    networks
}

fn free_tag(vlans: &std::ops::RangeInclusive<u32>, networks: &Networks) -> Result<u32, Error> {
    vlans.clone().find(|tag| !networks.tags.contains(&u64::from(*tag))).ok_or_else(|| {
        let what = format!("no VLAN is free: all from {} to {} are in use", vlans.start(), vlans.end());
        Error::refused_with(what, "remove networks, or set more VLANs by `vlans` of the platform")
    })
}
