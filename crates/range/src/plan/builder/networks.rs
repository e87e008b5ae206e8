//! Networks: which are created, changed, replaced and removed, and after what.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::draft::{Builder, Draft, GONE, undo};
use crate::{
    expand::spec::NetworkSpec,
    plan::{
        changes::{self, Changes},
        step::{Action, StepKind, UndoKind, Work},
    },
};

impl<'a> Builder<'a> {
    /// Every desired network with its changes; `None` for one that does not exist.
    pub(super) fn network_changes(&self) -> Vec<(&'a Arc<NetworkSpec>, Option<Changes>)> {
        let changes = |network: &'a Arc<NetworkSpec>| {
            let recorded = self.recorded.networks.get(&network.name);
            let changes = recorded.map(|recorded| {
                let mut changes = changes::of_network(recorded, network, self.inputs.rules);
                if self.recorded.incomplete.contains(&network.name) {
                    changes.complete();
                }
                changes
            });
            (network, changes)
        };
        self.desired.networks.iter().map(changes).collect()
    }

    pub(super) fn remove_networks(
        &mut self,
        replaced: &HashSet<&str>,
        networks: &[(&'a Arc<NetworkSpec>, Option<Changes>)],
    ) {
        let desired: HashMap<&str, &Option<Changes>> =
            networks.iter().map(|(network, changes)| (network.name.as_str(), changes)).collect();
        for (name, recorded) in &self.recorded.networks {
            let (action, reason) = match desired.get(name.as_str()) {
                None => (Action::Delete, "the network is not in the document any more".into()),
                Some(Some(changes)) if replaced.contains(name.as_str()) => {
                    (Action::Replace, changes.reason())
                }
                Some(_) => continue,
            };
            let id = self.add(Draft {
                kind: StepKind::NetworkRemove,
                name: name.clone(),
                instance: recorded.instance.clone(),
                action,
                reason,
                changes: Vec::new(),
                undo: GONE,
                work: Work::RemoveNetwork { network: Arc::clone(recorded) },
            });
            self.network_remove.insert(name.as_str(), id);
        }
    }

    pub(super) fn ensure_networks(&mut self, networks: Vec<(&'a Arc<NetworkSpec>, Option<Changes>)>) {
        for (network, changes) in networks {
            let is_replaced = self.network_remove.contains_key(network.name.as_str());
            let (action, reason, changes, before) = match changes {
                None => (Action::Create, "the network does not exist".into(), Vec::new(), None),
                Some(changes) if is_replaced => (Action::Replace, changes.reason(), changes.list, None),
                Some(changes) if changes.effect.is_some() => {
                    let before = self.recorded.networks.get(&network.name).map(Arc::clone);
                    (Action::Update, changes.reason(), changes.list, before)
                }
                Some(_) => {
                    self.kept.networks.push(network.name.clone());
                    continue;
                }
            };
            let undo = undo(if before.is_some() { UndoKind::Restore } else { UndoKind::Remove });
            let id = self.add(Draft {
                kind: StepKind::NetworkEnsure,
                name: network.name.clone(),
                instance: network.instance.clone(),
                action,
                reason,
                changes,
                undo,
                work: Work::EnsureNetwork { network: Arc::clone(network), before },
            });
            self.network_ensure.insert(network.name.as_str(), id);
            self.need(id, self.network_remove.get(network.name.as_str()).copied());
        }
        if !self.inputs.rules.changes_subnets {
            self.wait_for_subnets();
        }
    }

    /// Where subnets exclude each other on the platform, a new one waits for the removal of what it overlaps in its instance.
    pub(super) fn wait_for_subnets(&mut self) {
        let mut removed: Vec<(&str, &NetworkSpec, u32)> = self
            .network_remove
            .iter()
            .filter_map(|(name, id)| {
                self.recorded.networks.get(*name).map(|network| (network.instance.as_str(), &**network, *id))
            })
            .collect();
        removed.sort_by_key(|(instance, network, _)| (*instance, network.cidr.0.network()));
        let mut needs = Vec::new();
        for network in &self.desired.networks {
            let Some(id) = self.network_ensure.get(network.name.as_str()) else { continue };
            let begin = removed.partition_point(|(instance, ..)| *instance < network.instance.as_str());
            // Subnets of an instance do not overlap each other: the one before and those within are all that can.
            let of_instance =
                removed[begin..].iter().take_while(|(instance, ..)| *instance == network.instance);
            let of_instance: Vec<_> = of_instance.collect();
            let first = of_instance
                .partition_point(|(_, other, _)| other.cidr.0.network() < network.cidr.0.network());
            let within = of_instance[first.saturating_sub(1)..]
                .iter()
                .take_while(|(_, other, _)| other.cidr.0.network() <= network.cidr.0.broadcast());
            for (_, other, removal) in within {
                if other.cidr.0.contains(&network.cidr.0) || network.cidr.0.contains(&other.cidr.0) {
                    needs.push((*id, *removal));
                }
            }
        }
        needs.into_iter().for_each(|(id, removal)| self.need(id, Some(removal)));
    }

    /// A network is removed after everything left it.
    pub(super) fn detach_before_removal(&mut self) {
        if self.network_remove.is_empty() {
            return;
        }
        for (name, recorded) in &self.recorded.machines {
            let steps = self.of(name);
            for nic in &recorded.spec.nics {
                if let Some(removal) = self.network_remove.get(nic.network.as_str()).copied() {
                    self.need(removal, steps.remove.or(steps.ensure));
                }
            }
        }
    }
}
