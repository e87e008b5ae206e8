//! The virtual machines of the cluster, and which of them belong to an owner.

use serde_json::Value;

use super::{
    api::Api,
    failure::class,
    machine_config::MachineConfig,
    mark,
    records::{Machine, Member},
    together::together,
};
use crate::{
    error::Error,
    owner::{Owner, Thing},
};

/// A virtual machine.
#[derive(Debug, Clone)]
pub(super) struct Guest {
    pub(super) node: String,
    pub(super) id: u32,
    pub(super) name: String,
    pub(super) tags: String,
    pub(super) is_running: bool,
    pub(super) is_template: bool,
    pub(super) cores: u64,
    /// Bytes.
    pub(super) memory: u64,
    /// Bytes.
    pub(super) disk: u64,
}

/// A machine of an owner.
#[derive(Debug, Clone)]
pub(super) struct Owned {
    pub(super) guest: Guest,
    /// Its name in the range.
    pub(super) name: String,
    /// Was its configuration completed?
    pub(super) is_finished: bool,
}

impl Guest {
    fn new(node: &str, machine: &Machine) -> Option<Self> {
        Some(Self {
            node: node.to_owned(),
            id: u32::try_from(number(&machine.id)).ok().filter(|id| *id > 0)?,
            name: text(&machine.name),
            tags: text(&machine.tags),
            is_running: text(&machine.status) == "running",
            is_template: number(&machine.template) == 1,
            cores: number(&machine.usage.cpus),
            memory: number(&machine.usage.memory_size),
            disk: number(&machine.usage.disk_size),
        })
    }

    /// The path of the machine in the API.
    pub(super) fn path(&self, below: &str) -> String {
        format!("nodes/{}/qemu/{}{below}", self.node, self.id)
    }

    pub(super) async fn config(&self, api: &Api) -> Result<MachineConfig, Error> {
        let config = api.node(&self.node).machine_config(&self.id.to_string()).await;
        config.map_err(|error| class(error, false))
    }

    /// The names of its snapshots.
    pub(super) async fn snapshots(&self, api: &Api) -> Result<Vec<String>, Error> {
        let found = api.node(&self.node).snapshots(&self.id.to_string()).await;
        let found = found.map_err(|error| class(error, false))?.unwrap_or_default();
        // The state of now is listed as a snapshot.
        let mut names: Vec<String> =
            found.iter().map(|snapshot| text(&snapshot.name)).filter(|name| name != "current").collect();
        names.sort();
        Ok(names)
    }
}

/// The machines of these nodes. A list of a node is current; that of the cluster can be ten seconds old.
pub(super) async fn list(api: &Api, nodes: &[String]) -> Result<Vec<Guest>, Error> {
    let calls = nodes.iter().cloned().map(|node| {
        let reads = api.node(&node);
        async move {
            let machines = reads.machines().await.map_err(|error| class(error, false))?;
            let machines = machines.unwrap_or_default();
            Ok(machines.iter().filter_map(|machine| Guest::new(&node, machine)).collect::<Vec<_>>())
        }
    });
    let mut guests: Vec<Guest> = together(calls).await?.into_iter().flatten().collect();
    guests.sort_by_key(|guest| guest.id);
    Ok(guests)
}

/// The machines of an owner by number; of two with the same name, the finished one is first.
pub(super) fn of_owner(guests: Vec<Guest>, owner: &Owner) -> Vec<Owned> {
    let owned = guests.into_iter().filter(|guest| !guest.is_template).filter_map(|guest| {
        let (name, is_finished) = mark::belongs(owner, &guest.name, &guest.tags)?;
        Some(Owned { name: name.to_owned(), is_finished, guest })
    });
    let mut owned: Vec<Owned> = owned.collect();
    owned.sort_by_key(|owned| (!owned.is_finished, owned.guest.id));
    owned
}

/// The machine with this name.
pub(super) fn find(guests: Vec<Guest>, machine: &Thing) -> Option<Owned> {
    of_owner(guests, &machine.owner).into_iter().find(|owned| owned.name == machine.name)
}

/// A number that Proxmox can also write as a text.
pub(super) fn number(member: &Member) -> u64 {
    match member {
        Some(Value::String(text)) => text.parse().unwrap_or_default(),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "sizes in bytes, written as a decimal"
        )]
        Some(value) => {
            value.as_u64().or_else(|| value.as_f64().map(|value| value as u64)).unwrap_or_default()
        }
        None => 0,
    }
}

pub(super) fn text(member: &Member) -> String {
    member.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned()
}
