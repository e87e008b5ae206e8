//! Reads without Ansible: responses from the Proxmox API that are identical to those of the playbook.
//!
//! `reads.rs` defines the reads and the format of their results, which is that of the role `proxmox_controller`.
//! The API calls and records are in `platform::proxmox`. If a read fails, Ansible runs instead and reports the
//! failure in its usual format.

mod reads;

use engine::Engine;
use model::ContentRef;
use platform::proxmox::{MachineConfig, Node};
use serde_json::{Map, Value};

use super::route::Plan;
use reads::{Call, FieldValue, READS, Read, Row, Start, object, optional};

/// The action of a route, and its result from the Proxmox API; `None` when Ansible must run.
pub(super) async fn result(
    engine: &Engine,
    plan: &Plan,
    generic: &ContentRef,
    values: &Map<String, Value>,
) -> Option<(&'static str, Value)> {
    let Plan::Action { action, .. } = plan else { return None };
    let read = READS.iter().find(|read| read.action == *action)?;
    let request = Request::new(read, values)?;
    if !engine.machines().reads_directly(generic).await {
        return None;
    }
    let node = match engine.machines().node(request.node).await {
        Ok(node) => node,
        Err(error) => {
            tracing::debug!(
                error = error.in_full(),
                action,
                "Proxmox could not be queried; running Ansible instead"
            );
            return None;
        }
    };
    match request.answer(&node).await {
        Ok(shown) => Some((read.action, shown?)),
        Err(error) => {
            tracing::debug!(%error, action, "Proxmox could not be queried; running Ansible instead");
            None
        }
    }
}

/// A read with the values of the request.
struct Request<'a> {
    read: &'a Read,
    node: &'a str,
    /// The machine ID, if the read needs one.
    machine: &'a str,
    /// The storage name, if the read needs one.
    storage: &'a str,
}

impl<'a> Request<'a> {
    /// Returns `None` when a value is missing that Ansible may get from another source.
    fn new(read: &'a Read, values: &'a Map<String, Value>) -> Option<Self> {
        let text = |name: &str| values.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let (node, machine, storage) = (text("proxmox_node")?, text("vm_id"), text("storage_name"));
        let (machine, storage) = match read.call.start() {
            Start::Machine => (machine?, ""),
            Start::Storage => ("", storage?),
            Start::Nothing | Start::Node => ("", ""),
        };
        Some(Self { read, node, machine, storage })
    }

    /// Returns `None` when the API response has a format that the role does not expect.
    async fn answer(&self, node: &Node) -> Result<Option<Value>, platform::proxmox::Error> {
        Ok(Some(match &self.read.call {
            Call::Machines(_, row) => self.rows(node.machines().await?, *row),
            Call::Containers(row) => self.rows(node.containers().await?, *row),
            Call::Snapshots(row) => self.rows(node.snapshots(self.machine).await?, *row),
            Call::FirewallAliases(row) => self.rows(node.firewall_aliases(self.machine).await?, *row),
            Call::FirewallRules(row) => self.rows(node.firewall_rules(self.machine).await?, *row),
            Call::Storages(row) => self.rows(node.storages().await?, *row),
            Call::Volumes(kind, row) => self.rows(node.volumes(self.storage, *kind).await?, *row),
            Call::Interfaces(row) => self.rows(node.interfaces().await?, *row),
            Call::Config(row) => {
                let config = node.machine_config(self.machine).await?;
                return Ok(row(&config).map(|row| object(self.start(), row)));
            }
            Call::NetworkCards => {
                let config = node.machine_config(self.machine).await?;
                return Ok(network_cards(&config, &self.start()));
            }
        }))
    }

    /// Creates one object per record. The role treats a response without a list as an empty list.
    fn rows<T>(&self, records: Option<Vec<T>>, row: fn(T) -> Row) -> Value {
        records.unwrap_or_default().into_iter().map(|record| object(self.start(), row(record))).collect()
    }

    fn start(&self) -> Map<String, Value> {
        let mut members = Map::new();
        let start = self.read.call.start();
        if matches!(start, Start::Nothing) {
            return members;
        }
        members.insert("action".into(), self.read.action.into());
        members.insert("source".into(), "proxmox".into());
        members.insert("proxmox_node".into(), self.node.into());
        match start {
            Start::Machine => members.insert("vm_id".into(), self.machine.into()),
            Start::Storage => members.insert("storage_name".into(), self.storage.into()),
            Start::Nothing | Start::Node => None,
        };
        members
    }
}

fn network_cards(config: &MachineConfig, start: &Map<String, Value>) -> Option<Value> {
    let cards = config.network_cards()?.into_iter().map(|card| {
        let row = vec![
            ("vm_network_device", FieldValue::Value(card.device.into())),
            ("vm_network_type", FieldValue::Value(card.model.into())),
            ("vm_network_mac", FieldValue::Value(card.mac.into())),
            ("vm_network_bridge", FieldValue::Value(card.bridge.into())),
            ("vm_network_firewall", optional(card.firewall.map(Value::from))),
        ];
        object(start.clone(), row)
    });
    Some(cards.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::v0::{route::Access, rows};

    #[test]
    fn every_route_that_only_reads_machines_is_a_read() {
        let actions: Vec<&str> = rows::all()
            .filter(|route| route.access == Access::VIEWER)
            .filter_map(|route| match &route.plan {
                Plan::Action { action, .. } => Some(*action),
                _ => None,
            })
            .collect();
        let reads: Vec<&str> = READS.iter().map(|read| read.action).collect();
        for action in &actions {
            assert!(reads.contains(action), "{action}");
        }
        assert_eq!(actions.len(), reads.len());
    }
}
