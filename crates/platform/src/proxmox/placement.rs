//! Where a machine is created: its template, the node with the most free memory, and a free number.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    guests::{Guest, number, text},
    platform::Proxmox,
};
use crate::error::Error;

/// Where a machine is created.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) template: Guest,
    pub(super) node: String,
}

impl Proxmox {
    /// Chooses a template with this name or number, and a node.
    pub(super) async fn place(
        &self,
        template: &str,
        nodes: &[String],
        guests: &[Guest],
    ) -> Result<Place, Error> {
        let is_named = |guest: &&Guest| {
            guest.is_template && (guest.name == template || guest.id.to_string() == template)
        };
        let templates: Vec<&Guest> = guests.iter().filter(is_named).collect();
        let Some(first) = templates.first().copied() else {
            let known: BTreeSet<&str> =
                guests.iter().filter(|guest| guest.is_template).map(|guest| guest.name.as_str()).collect();
            let hint = format!("use one of: {}", known.into_iter().collect::<Vec<_>>().join(", "));
            return Err(Error::refused_with(format!("Proxmox has no template `{template}`"), hint));
        };
        if nodes.len() == 1 {
            return Ok(Place { node: first.node.clone(), template: first.clone() });
        }
        let resources = self.api.list("cluster/resources", &[]).await?;
        let free = free_memory(&resources, guests);
        let is_shared = self.is_shared(first, &resources).await?;
        let node = |guest: &Guest| free.get(&guest.node).copied().unwrap_or(i128::MIN);
        let own = templates.iter().copied().max_by_key(|guest| node(guest)).unwrap_or(first);
        let best = nodes
            .iter()
            .filter(|_| is_shared)
            .max_by_key(|node| free.get(*node).copied().unwrap_or(i128::MIN));
        match best {
            Some(best) if free.get(best) > free.get(&own.node) => {
                Ok(Place { template: first.clone(), node: best.clone() })
            }
            _ => Ok(Place { node: own.node.clone(), template: own.clone() }),
        }
    }

    /// Can a clone be created on another node than that of its template?
    async fn is_shared(&self, template: &Guest, resources: &[Value]) -> Result<bool, Error> {
        let config = template.config(&self.api).await?;
        let storages = config.disks().into_iter().filter_map(|(_, disk)| disk.split_once(':'));
        let mut storages = storages.map(|(storage, _)| storage).peekable();
        let is_shared = |storage: &str| {
            resources
                .iter()
                .any(|found| found["storage"] == storage && number(&found.get("shared").cloned()) == 1)
        };
        Ok(storages.peek().is_some() && storages.all(is_shared))
    }

    /// A number for a machine that is not in use.
    pub(super) async fn free_id(&self, guests: &[Guest], tried: &BTreeSet<u32>) -> Result<u32, Error> {
        let is_usable = |id: &u32| !tried.contains(id) && !self.is_protected(*id);
        if let Some(ids) = &self.options.vm_ids {
            let taken: BTreeSet<u32> = guests.iter().map(|guest| guest.id).collect();
            return ids.clone().find(|id| is_usable(id) && !taken.contains(id)).ok_or_else(|| {
                let what =
                    format!("all numbers of machines from {} to {} are in use", ids.start(), ids.end());
                Error::refused_with(what, "remove machines, or set more numbers by `vm_ids` of the platform")
            });
        }
        let next = number(&Some(self.api.get("cluster/nextid").await?));
        let next =
            u32::try_from(next).map_err(|_| Error::retry("Proxmox reports no free number for a machine"))?;
        (next..=u32::MAX)
            .find(is_usable)
            .ok_or_else(|| Error::refused("Proxmox has no free number for a machine"))
    }
}

/// Memory of each node that no machine is configured to use. What machines use now is less, and old.
fn free_memory(resources: &[Value], guests: &[Guest]) -> BTreeMap<String, i128> {
    let nodes = resources.iter().filter(|found| found["type"] == "node" && found["status"] == "online");
    let mut free: BTreeMap<String, i128> = nodes
        .map(|node| (text(&node.get("node").cloned()), i128::from(number(&node.get("maxmem").cloned()))))
        .collect();
    for guest in guests.iter().filter(|guest| !guest.is_template) {
        if let Some(free) = free.get_mut(&guest.node) {
            *free -= i128::from(guest.memory);
        }
    }
    free
}
