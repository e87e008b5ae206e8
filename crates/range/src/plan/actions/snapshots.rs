//! Takes, reverts to and removes snapshots.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    draft::{Drafts, no_undo, undo},
    request::{ActionError, Scope},
};
use crate::{
    document::{MachineKind, Stage, names::UPLINK},
    plan::{
        recorded::{Recorded, RecordedMachine},
        step::{Action, StepKind, UndoKind, Work},
    },
};

impl<'a> Drafts<'a> {
    pub(super) fn take_snapshots(
        &mut self,
        machines: &[&'a RecordedMachine],
        scope: &Scope,
        name: &str,
    ) -> Result<(), ActionError> {
        let is_guest = |machine: &&&RecordedMachine| machine.spec.kind == MachineKind::Guest;
        if let (Scope::Machines(_), Some(bare)) = (scope, machines.iter().find(|machine| !is_guest(machine)))
        {
            return Err(ActionError::NoDisk(bare.spec.name.clone()));
        }
        let guests: Vec<&RecordedMachine> = machines.iter().filter(is_guest).copied().collect();
        if guests.is_empty() {
            return Err(ActionError::NoGuests);
        }
        for machine in &guests {
            if machine.snapshots.contains_key(name) {
                self.kept.machines.push(machine.spec.name.clone());
                continue;
            }
            let stopped = self.stop_for_snapshot(machine);
            let kind = (StepKind::SnapshotTake, Action::Create);
            let work = Work::TakeSnapshot { snapshot: name.to_owned() };
            let undone = undo(UndoKind::Remove);
            let reason = format!("the machine has no snapshot `{name}` yet");
            let id = self.add(&machine.spec, kind, reason, (work, undone), stopped);
            if stopped.is_some() {
                self.start(machine, "the snapshot was taken", Some(id));
            }
        }
        self.order(&guests);
        Ok(())
    }

    /// A platform that needs the machine to be stopped gets it stopped.
    fn stop_for_snapshot(&mut self, machine: &'a RecordedMachine) -> Option<u32> {
        let is_running = machine.stage != Stage::Created;
        (is_running && !self.inputs.rules.snapshots_while_running)
            .then(|| self.stop(machine, "the platform needs the machine to be stopped for a snapshot"))
    }

    pub(super) fn revert_machines(
        &mut self,
        machines: &[&'a RecordedMachine],
        scope: &Scope,
        name: &str,
    ) -> Result<(), ActionError> {
        let machines = with_snapshot(machines, scope, name)?;
        check_reverted(self.recorded, &machines, name)?;
        for machine in &machines {
            let stopped = self.stop_for_snapshot(machine);
            let kind = (StepKind::SnapshotRevert, Action::Replace);
            let work = Work::RevertSnapshot { snapshot: name.to_owned() };
            let undone = no_undo("what the machine was before it was reverted cannot be brought back");
            let reason = format!("the machine becomes what it was when snapshot `{name}` was taken");
            let id = self.add(&machine.spec, kind, reason, (work, undone), stopped);
            self.start(machine, "the machine was reverted", Some(id));
        }
        // Where rules are on the disk of the router, they were reverted as well.
        for machine in &machines {
            let Some(router) = self.recorded.routers.get(&machine.spec.name) else { continue };
            let work = Work::EnsureRules { router: Arc::clone(router), before: Some(Arc::clone(router)) };
            let kind = (StepKind::RulesEnsure, Action::Update);
            let ready = self.ready.get(machine.spec.name.as_str()).copied();
            let undone = no_undo("the rules are those that are recorded");
            let id = self.add(&machine.spec, kind, "the router was reverted", (work, undone), ready);
            self.rules.insert(&machine.spec.name, id);
        }
        self.order(&machines);
        Ok(())
    }

    pub(super) fn remove_snapshots(
        &mut self,
        machines: &[&'a RecordedMachine],
        scope: &Scope,
        name: &str,
    ) -> Result<(), ActionError> {
        for machine in with_snapshot(machines, scope, name)? {
            let kind = (StepKind::SnapshotRemove, Action::Delete);
            let work = Work::RemoveSnapshot { snapshot: name.to_owned() };
            let undone = no_undo("what was removed cannot be brought back");
            let reason = format!("snapshot `{name}` is to be removed");
            self.add(&machine.spec, kind, reason, (work, undone), None);
        }
        Ok(())
    }
}

/// The machines that have the snapshot; those that were named must have it.
fn with_snapshot<'a>(
    machines: &[&'a RecordedMachine],
    scope: &Scope,
    name: &str,
) -> Result<Vec<&'a RecordedMachine>, ActionError> {
    let has = |machine: &&&RecordedMachine| machine.snapshots.contains_key(name);
    if let (Scope::Machines(_), Some(without)) = (scope, machines.iter().find(|machine| !has(machine))) {
        let (machine, snapshot) = (without.spec.name.clone(), name.to_owned());
        return Err(ActionError::UnknownSnapshot { machine, snapshot });
    }
    let found: Vec<&RecordedMachine> = machines.iter().filter(has).copied().collect();
    if found.is_empty() { Err(ActionError::NoSnapshot(name.to_owned())) } else { Ok(found) }
}

/// Do the networks and addresses of the snapshots still belong to these machines?
fn check_reverted(recorded: &Recorded, machines: &[&RecordedMachine], name: &str) -> Result<(), ActionError> {
    let mut used = BTreeMap::new();
    for machine in recorded.machines.values() {
        let is_reverted = machines.iter().any(|reverted| reverted.spec.name == machine.spec.name);
        let spec =
            machine.snapshots.get(name).filter(|_| is_reverted).map_or(&machine.spec, |then| &then.spec);
        for nic in &spec.nics {
            let machine = spec.name.clone();
            if is_reverted && nic.network != UPLINK && !recorded.networks.contains_key(&nic.network) {
                return Err(ActionError::NetworkRemoved { machine, network: nic.network.clone() });
            }
            let Some(address) = nic.address else { continue };
            if let Some((other, other_is_reverted)) =
                used.insert((nic.network.as_str(), address.addr()), (machine.clone(), is_reverted))
            {
                let (machine, other) =
                    if is_reverted || !other_is_reverted { (machine, other) } else { (other, machine) };
                return Err(ActionError::AddressInUse { machine, address, other });
            }
        }
    }
    Ok(())
}
