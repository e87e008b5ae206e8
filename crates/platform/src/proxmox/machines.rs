//! Machines of ranges: cloned from a template, configured, grown, started, stopped, and removed.

use std::{collections::BTreeSet, time::Duration};

use range::{document::MachineKind, expand::spec::MachineSpec};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{
    configuration::{Target, changes},
    failure::is_taken,
    guests::{self, Guest, Owned},
    machine_config::MachineConfig,
    mark::{self, Description},
    platform::Proxmox,
    tasks,
};
use crate::{
    error::Error,
    observed::Power,
    owner::{Owner, Thing, ThingKind},
    platform::{Change, Progress},
    wanted::MachineWanted,
};

/// How long the clone of a machine may take that another call began.
const CLONE_LIMIT: Duration = Duration::from_mins(9);
/// The pause before a clone is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How long a guest may take to shut down before it is stopped, in seconds.
const SHUTDOWN_S: &str = "60";
/// How many numbers are tried for a new machine.
const MOST_IDS: usize = 20;

impl Proxmox {
    /// The machine, if it exists.
    pub(super) async fn find(&self, machine: &Thing) -> Result<Option<Owned>, Error> {
        Ok(guests::find(guests::list(&self.api, &self.nodes().await?).await?, machine))
    }

    /// The machine, which must exist and may be changed.
    pub(super) async fn existing(&self, machine: &Thing) -> Result<Guest, Error> {
        let found =
            self.find(machine).await?.ok_or_else(|| Error::gone(format!("{machine} does not exist")))?;
        self.refuse_protected(&found.guest)?;
        Ok(found.guest)
    }

    pub(super) fn is_protected(&self, id: u32) -> bool {
        self.options.protected.iter().any(|ids| ids.contains(&id))
    }

    fn refuse_protected(&self, guest: &Guest) -> Result<(), Error> {
        if !self.is_protected(guest.id) {
            return Ok(());
        }
        let what = format!("machine {} of Proxmox is protected", guest.id);
        Err(Error::refused_with(what, "`protected_vm_ids` of the platform contains its number"))
    }

    pub(super) async fn ensure_machine(
        &self,
        owner: &Owner,
        wanted: &MachineWanted,
    ) -> Result<Change, Error> {
        let spec = &*wanted.spec;
        if spec.kind != MachineKind::Guest {
            let what =
                format!("the platform `{}` has no machines of kind `{}`", self.options.rules.name, spec.kind);
            return Err(Error::NotSupported { what });
        }
        let bridges = self.bridges(owner, spec).await?;
        let thing = owner.thing(ThingKind::Machine, &spec.name);
        let (guest, change) = match self.find(&thing).await? {
            Some(found) => (found.guest, Change::Adopted),
            None => (self.clone_template(owner, spec).await?, Change::Created),
        };
        self.refuse_protected(&guest)?;
        let config = self.unlocked(&guest).await?;
        refuse_other_template(&thing, spec, &config)?;
        let storage = self.options.storage.as_deref();
        let storage = storage
            .or_else(|| disk(&config).and_then(|(_, disk)| disk.split_once(':')).map(|(name, _)| name));
        let target = Target { owner, wanted, bridges: &bridges, storage: storage.unwrap_or("local") };
        let changes = changes(&config, target);
        if !changes.is_empty() {
            let form = changes.form(config.text("digest"));
            let form: Vec<(&str, &str)> =
                form.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            self.api.put(&guest.path("/config"), &form).await?;
        }
        let has_grown = self.grow(&guest, &config, spec).await?;
        let is_right = changes.is_empty() && !has_grown;
        Ok(if change == Change::Adopted && !is_right { Change::Corrected } else { change })
    }

    async fn clone_template(&self, owner: &Owner, spec: &MachineSpec) -> Result<Guest, Error> {
        let template = spec.template.as_deref().unwrap_or_default();
        let _permit = self.clones.acquire().await.map_err(|error| Error::retry(error.to_string()))?;
        // Numbers and nodes are chosen by one call at a time.
        let choosing = self.choosing_machine.lock().await;
        let nodes = self.nodes().await?;
        let guests = guests::list(&self.api, &nodes).await?;
        let place = self.place(template, &nodes, &guests).await?;
        let name = mark::unfinished_name(owner, &spec.name);
        let description =
            Description { mark: owner.to_string(), template: template.to_owned(), rules: String::new() }
                .text();
        let mut tried = BTreeSet::new();
        let (id, task) = loop {
            let id = self.free_id(&guests, &tried).await?;
            let number = id.to_string();
            let full = if self.options.full_clones { "1" } else { "0" };
            let mut form = vec![
                ("newid", number.as_str()),
                ("name", &name),
                ("description", &description),
                ("full", full),
            ];
            if place.node != place.template.node {
                form.push(("target", &place.node));
            }
            if let Some(storage) = self.options.storage.as_deref().filter(|_| self.options.full_clones) {
                form.push(("storage", storage));
            }
            match self.api.post(&place.template.path("/clone"), &form).await {
                Ok(task) => break (id, task),
                Err(error) if is_taken(&error) && tried.len() < MOST_IDS => drop(tried.insert(id)),
                Err(error) => return Err(error),
            }
        };
        drop(choosing);
        tasks::finish(&self.api, &task).await?;
        Ok(Guest { node: place.node, id, name, is_template: false, is_running: false, ..place.template })
    }

    /// The configuration of a machine that no task works on.
    async fn unlocked(&self, guest: &Guest) -> Result<MachineConfig, Error> {
        let begun = Instant::now();
        loop {
            let config = match guest.config(&self.api).await {
                // Proxmox removes a clone that failed.
                Err(Error::Gone { what }) => return Err(Error::retry(what)),
                config => config?,
            };
            match config.text("lock") {
                None => return Ok(config),
                Some(lock) if lock != "clone" && lock != "create" => {
                    let what = format!("machine {} of Proxmox is locked ({lock})", guest.id);
                    return Err(Error::Retry { what, after: Some(Duration::from_secs(1)) });
                }
                Some(lock) if begun.elapsed() > CLONE_LIMIT => {
                    let what = format!("machine {} of Proxmox stays locked ({lock})", guest.id);
                    let hint = format!(
                        "remove it: `qm unlock {0} && qm destroy {0}` on node `{1}`",
                        guest.id, guest.node
                    );
                    return Err(Error::refused_with(what, hint));
                }
                Some(_) => sleep(LOOK_AGAIN).await,
            }
        }
    }

    /// Grows the first disk. Disks cannot shrink.
    async fn grow(&self, guest: &Guest, config: &MachineConfig, spec: &MachineSpec) -> Result<bool, Error> {
        let (Some(wanted), Some((key, disk))) = (spec.disk_gb, disk(config)) else { return Ok(false) };
        let size = disk.split(',').find_map(|option| option.strip_prefix("size=")).and_then(bytes);
        if size.is_none_or(|size| size >= u64::from(wanted) << 30) {
            return Ok(false);
        }
        let size = format!("{wanted}G");
        let task = self.api.put(&guest.path("/resize"), &[("disk", key), ("size", &size)]).await?;
        tasks::finish(&self.api, &task).await?;
        Ok(true)
    }

    pub(super) async fn switch(&self, machine: &Thing, power: Power) -> Result<Progress, Error> {
        let guest = self.existing(machine).await?;
        let task = match (power, guest.is_running) {
            (Power::On, true) | (Power::Off, false) => Value::Null,
            (Power::On, false) => self.api.post(&guest.path("/status/start"), &[]).await?,
            (Power::Off, true) => {
                let form = [("timeout", SHUTDOWN_S), ("forceStop", "1")];
                self.api.post(&guest.path("/status/shutdown"), &form).await?
            }
        };
        Ok(tasks::progress(&task))
    }

    pub(super) async fn remove_machine(&self, machine: &Thing) -> Result<Progress, Error> {
        let Some(found) = self.find(machine).await? else { return Ok(Progress::Done) };
        self.refuse_protected(&found.guest)?;
        if found.guest.is_running {
            let task = self.api.post(&found.guest.path("/status/stop"), &[]).await?;
            tasks::finish(&self.api, &task).await?;
        }
        let query = [("purge", "1"), ("destroy-unreferenced-disks", "1")];
        match self.api.delete(&found.guest.path(""), &query).await {
            Err(Error::Gone { .. }) => Ok(Progress::Done),
            task => Ok(tasks::progress(&task?)),
        }
    }
}

fn refuse_other_template(thing: &Thing, spec: &MachineSpec, config: &MachineConfig) -> Result<(), Error> {
    let found = config.text("description").map(|text| Description::parse(&text).template).unwrap_or_default();
    if found.is_empty() || spec.template.as_ref() == Some(&found) {
        return Ok(());
    }
    let what = format!("{thing} was made of the template `{found}`");
    Err(Error::refused_with(what, "remove it; then it is created again"))
}

/// The disk that the machine boots from, or its first one.
fn disk(config: &MachineConfig) -> Option<(&str, &str)> {
    let disks: Vec<(&str, &str)> =
        config.disks().into_iter().filter(|(_, disk)| !disk.contains("cloudinit")).collect();
    let boot = config.text("boot").unwrap_or_default();
    let order = boot.strip_prefix("order=").unwrap_or_default().split(';');
    let booted = order.filter_map(|key| disks.iter().find(|(disk, _)| *disk == key)).next();
    booted.or_else(|| disks.first()).copied()
}

/// A size such as `4G`.
fn bytes(size: &str) -> Option<u64> {
    let (digits, unit) = size.split_at(size.find(|c: char| !c.is_ascii_digit()).unwrap_or(size.len()));
    let shift = match unit {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_disk_that_a_machine_boots_from_grows() {
        let config = MachineConfig::new(json!({
            "ide2": "local:cloudinit,media=cdrom", "scsi0": "a:1,size=4G", "scsi1": "a:2,size=1T", "boot": "order=ide2;scsi1;net0",
        }));
        assert_eq!(disk(&config), Some(("scsi1", "a:2,size=1T")));
        assert_eq!(
            disk(&MachineConfig::new(json!({"virtio0": "a:1", "sata0": "b:1"}))),
            Some(("virtio0", "a:1"))
        );
        assert_eq!(
            (bytes("4G"), bytes("512M"), bytes("2252M")),
            (Some(4 << 30), Some(512 << 20), Some(2252 << 20))
        );
        assert_eq!((bytes("1.5G"), bytes("")), (None, None));
    }
}
