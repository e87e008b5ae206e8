//! Messages to a watcher of a node's machines: first the full state, then changes since the previous message.
//!
//! ```text
//! {"type":"full","vms":[vm, ...]}                                until machines were sent
//! {"type":"diff","changes":{"100":{"type":"changed",...}, ...}}  added, changed, removed; nothing when there is none
//! {"type":"error","error":"text"}                                a failed poll; the last data stays valid
//! ```
//! A machine is compared with the state that was last sent to this watcher, not with the previous poll: so a value that
//! drifts slowly is sent as well. The format is that of the Range42 backend API.

use std::{collections::HashMap, time::Duration};

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Number, Value, json};

/// A change of cpu is sent if it is more percentage points than this.
const CPU_POINTS: f64 = 2.0;
/// Memory and uptime change all the time: changes of only them are sent at this interval.
const QUIET: Duration = Duration::from_secs(30);

/// A machine, in the fields that watchers see.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Vm {
    vmid: Value,
    name: Value,
    status: Value,
    /// In percent, with one decimal.
    cpu: Value,
    mem: Value,
    maxmem: Value,
    uptime: Value,
    template: Value,
    tags: Value,
}

impl Vm {
    /// Reads an entry of Proxmox's list; a missing value or null counts as its default. `None` without an id.
    #[must_use]
    pub fn read(entry: &Map<String, Value>) -> Option<Self> {
        let value = |key: &str| entry.get(key).filter(|value| !value.is_null()).cloned();
        let number = |key| value(key).unwrap_or_else(|| json!(0));
        let text = |key, default: &str| value(key).unwrap_or_else(|| json!(default));
        Some(Self {
            vmid: value("vmid")?,
            name: text("name", ""),
            status: text("status", "unknown"),
            cpu: percent(&number("cpu")),
            mem: number("mem"),
            maxmem: number("maxmem"),
            uptime: number("uptime"),
            template: number("template"),
            tags: text("tags", ""),
        })
    }

    /// The id as text.
    #[must_use]
    pub fn id(&self) -> String {
        self.vmid.as_str().map_or_else(|| self.vmid.to_string(), str::to_owned)
    }

    /// Templates are not machines: they are never sent.
    #[must_use]
    pub fn is_template(&self) -> bool {
        self.template == Value::Bool(true) || self.template.as_f64() == Some(1.0)
    }

    /// Whether it differs in a value whose changes are sent immediately.
    fn differs(&self, sent: &Self) -> bool {
        let cpu = |vm: &Self| vm.cpu.as_f64().unwrap_or(0.0);
        self.status != sent.status
            || self.name != sent.name
            || self.tags != sent.tags
            || (cpu(self) - cpu(sent)).abs() > CPU_POINTS
    }

    /// Whether it differs in a value whose changes are sent from time to time.
    fn drifts(&self, sent: &Self) -> bool {
        self.mem != sent.mem || self.uptime != sent.uptime
    }
}

/// Reads Proxmox's list of machines, templates left out.
#[must_use]
pub fn machines(list: &[Value]) -> Vec<Vm> {
    let vms = list.iter().filter_map(Value::as_object).filter_map(Vm::read);
    vms.filter(|vm| !vm.is_template()).collect()
}

/// A share as percentage with one decimal, half to even on the binary number; a whole number stays one.
fn percent(share: &Value) -> Value {
    if let Some(whole) = share.as_i64() {
        return json!(whole.saturating_mul(100));
    }
    let rounded = share.as_f64().and_then(|share| format!("{:.1}", share * 100.0).parse().ok());
    rounded.and_then(Number::from_f64).map_or(json!(0), Value::Number)
}

/// A message to a watcher.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Frame {
    /// Everything.
    Full {
        /// In the order of Proxmox.
        vms: Vec<Vm>,
    },
    /// The changes.
    Diff {
        /// By id: current machines in the order of Proxmox, then removed ones.
        changes: Changes,
    },
    /// Nothing could be learned.
    Error {
        /// Why.
        error: String,
    },
}

/// Changes in their order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Changes(Vec<(String, Change)>);

/// The change of one machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Change {
    /// It was not there.
    Added(Vm),
    /// It was there, and different.
    Changed(Vm),
    /// It no longer exists.
    Removed {
        /// Its id.
        vmid: Value,
    },
}

impl Serialize for Changes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (id, change) in &self.0 {
            map.serialize_entry(id, change)?;
        }
        map.end()
    }
}

/// The data that was sent to one watcher so far.
#[derive(Debug, Default)]
pub struct Sent {
    vms: Vec<Known>,
}

/// The data that was sent for one machine.
#[derive(Debug)]
struct Known {
    vm: Vm,
    /// When a change was last sent.
    changed: Option<Duration>,
}

impl Sent {
    /// The next message, `None` for nothing new; from then on it counts as sent. `now` is any clock's time.
    pub fn frame(&mut self, vms: &[Vm], now: Duration) -> Option<Frame> {
        if self.vms.is_empty() {
            self.vms = vms.iter().map(|vm| Known { vm: vm.clone(), changed: None }).collect();
            return Some(Frame::Full { vms: vms.to_vec() });
        }
        let mut before: HashMap<String, (usize, Known)> =
            self.vms.drain(..).enumerate().map(|(place, sent)| (sent.vm.id(), (place, sent))).collect();
        let mut changes = Vec::new();
        for vm in vms {
            let sent = before.remove(&vm.id()).map(|(_, sent)| sent);
            let (sent, change) = compare(sent, vm, now);
            changes.extend(change.map(|change| (vm.id(), change)));
            self.vms.push(sent);
        }
        let mut removed: Vec<_> = before.into_values().collect();
        removed.sort_unstable_by_key(|(place, _)| *place);
        changes.extend(removed.into_iter().map(|(_, sent)| {
            let id = sent.vm.id();
            (id, Change::Removed { vmid: sent.vm.vmid })
        }));
        (!changes.is_empty()).then(|| Frame::Diff { changes: Changes(changes) })
    }
}

/// The data of a machine that counts as sent from now on, and the change to send.
fn compare(sent: Option<Known>, vm: &Vm, now: Duration) -> (Known, Option<Change>) {
    let Some(sent) = sent else {
        return (Known { vm: vm.clone(), changed: None }, Some(Change::Added(vm.clone())));
    };
    let may_drift = sent.changed.is_none_or(|changed| now.saturating_sub(changed) >= QUIET);
    if vm.differs(&sent.vm) || may_drift && vm.drifts(&sent.vm) {
        return (Known { vm: vm.clone(), changed: Some(now) }, Some(Change::Changed(vm.clone())));
    }
    (sent, None)
}

#[cfg(test)]
mod tests;
