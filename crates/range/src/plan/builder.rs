//! Makes the steps of a plan and their needs.
//!
//! Steps come in this order: tasks that are forgotten, removals, networks, machines, routers, tasks, verification. Needs of what
//! exists already are met, so only steps of the plan are named.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    Inputs, Kept,
    changes::{self, Changes, Effect},
    recorded::Recorded,
    step::{Action, Change, Step, StepKind, Undo, UndoKind, Work},
};
use crate::{
    document::{Ready, Stage},
    expand::spec::{Desired, MachineSpec, NeedSpec, NetworkSpec},
    layout::number,
};

/// Why a machine that existed before exists in the plan.
enum Fate {
    Keep,
    Change(Changes),
    Replace(Changes),
}

/// The steps of one machine.
#[derive(Debug, Clone, Copy, Default)]
struct OfMachine {
    remove: Option<u32>,
    stop: Option<u32>,
    ensure: Option<u32>,
    start: Option<u32>,
    wait: Option<u32>,
    rules: Option<u32>,
}

impl OfMachine {
    /// The step after which the machine can be worked with.
    const fn available(&self) -> Option<u32> {
        match (self.wait, self.ensure) {
            (Some(wait), _) => Some(wait),
            (None, ensure) => ensure,
        }
    }
}

struct Builder<'a> {
    desired: &'a Desired,
    recorded: &'a Recorded,
    inputs: &'a Inputs<'a>,
    steps: Vec<Step>,
    kept: Kept,
    machines: HashMap<&'a str, OfMachine>,
    network_ensure: HashMap<&'a str, u32>,
    network_remove: HashMap<&'a str, u32>,
    /// Steps that run a task, by task, and by each machine that they run on.
    task_runs: HashMap<&'a str, u32>,
    runs_on: HashMap<&'a str, Vec<u32>>,
}

/// The steps, numbered as they stand, and what stays.
pub(super) fn build(desired: &Desired, recorded: &Recorded, inputs: &Inputs<'_>) -> (Vec<Step>, Kept) {
    let mut builder = Builder {
        desired,
        recorded,
        inputs,
        steps: Vec::with_capacity(4 * desired.machines.len()),
        kept: Kept::default(),
        machines: HashMap::with_capacity(desired.machines.len()),
        network_ensure: HashMap::with_capacity(desired.networks.len()),
        network_remove: HashMap::new(),
        task_runs: HashMap::with_capacity(desired.tasks.len()),
        runs_on: HashMap::new(),
    };
    builder.forget_tasks();
    let networks = builder.network_changes();
    let replaced_networks: HashSet<&str> = networks
        .iter()
        .filter(|(_, changes)| {
            changes.as_ref().is_some_and(|changes| changes.effect == Some(Effect::Replace))
        })
        .map(|(network, _)| network.name.as_str())
        .collect();
    let fates = builder.fates(&replaced_networks);
    builder.remove_machines(&fates);
    builder.remove_networks(&replaced_networks, &networks);
    builder.ensure_networks(networks);
    builder.ensure_machines(fates);
    builder.routers();
    builder.machine_needs();
    builder.detach_before_removal();
    builder.tasks();
    builder.verify();
    (builder.steps, builder.kept)
}

/// A step before its number and estimate.
struct Draft {
    kind: StepKind,
    name: String,
    instance: String,
    action: Action,
    reason: String,
    changes: Vec<Change>,
    undo: Undo,
    work: Work,
}

const fn undo(kind: UndoKind) -> Undo {
    Undo { kind, why: "" }
}

const fn no_undo(why: &'static str) -> Undo {
    Undo { kind: UndoKind::Nothing, why }
}

const GONE: Undo = no_undo("what was removed cannot be brought back");

impl<'a> Builder<'a> {
    fn add(&mut self, draft: Draft) -> u32 {
        let id = number(self.steps.len());
        let Draft { kind, name, instance, action, reason, changes, undo, work } = draft;
        let estimate = self.inputs.estimates.of(kind, &work);
        let needs = Vec::new();
        self.steps.push(Step {
            id,
            kind,
            name,
            instance,
            action,
            reason,
            changes,
            needs,
            estimate,
            remaining_ms: 0,
            undo,
            work,
        });
        id
    }

    fn need(&mut self, step: u32, needed: Option<u32>) {
        if let Some(needed) = needed.filter(|needed| *needed != step) {
            self.steps[step as usize].needs.push(needed);
        }
    }

    fn forget_tasks(&mut self) {
        let wanted: HashSet<&str> = self.desired.tasks.iter().map(|task| task.name.as_str()).collect();
        for (name, task) in &self.recorded.tasks {
            if !wanted.contains(name.as_str()) {
                self.add(Draft {
                    kind: StepKind::TaskForget,
                    name: name.clone(),
                    instance: task.spec.instance.clone(),
                    action: Action::Delete,
                    reason: "the task is not in the document any more; what it did to machines stays"
                        .to_owned(),
                    changes: Vec::new(),
                    undo: no_undo("nothing was done to a machine"),
                    work: Work::ForgetTask,
                });
            }
        }
    }

    /// Every desired network with its changes; `None` for one that does not exist.
    fn network_changes(&self) -> Vec<(&'a Arc<NetworkSpec>, Option<Changes>)> {
        let changes = |network: &'a Arc<NetworkSpec>| {
            let recorded = self.recorded.networks.get(&network.name);
            (network, recorded.map(|recorded| changes::of_network(recorded, network, self.inputs.rules)))
        };
        self.desired.networks.iter().map(changes).collect()
    }

    /// What becomes of every desired machine; `None` for one that does not exist.
    fn fates(&self, replaced_networks: &HashSet<&str>) -> Vec<(&'a Arc<MachineSpec>, Option<Fate>)> {
        let networks: HashSet<&str> =
            self.desired.networks.iter().map(|network| network.name.as_str()).collect();
        let is_lost = |network: &str| {
            let is_removed = self.recorded.networks.contains_key(network) && !networks.contains(network);
            !self.inputs.rules.changes_subnets && (is_removed || replaced_networks.contains(network))
        };
        let fate = |machine: &'a Arc<MachineSpec>| {
            let Some(recorded) = self.recorded.machines.get(&machine.name) else { return (machine, None) };
            let mut changes = if Arc::ptr_eq(&recorded.spec, machine) {
                Changes::default()
            } else {
                changes::of_machine(&recorded.spec, machine)
            };
            if let Some(nic) = recorded.spec.nics.iter().find(|nic| is_lost(&nic.network)) {
                let (from, to) = (nic.network.clone(), "removed".to_owned());
                changes.list.push(Change { field: "attached network", from, to });
                changes.effect = Some(Effect::Replace);
            }
            let fate = match changes.effect {
                None => Fate::Keep,
                Some(Effect::Replace) => Fate::Replace(changes),
                Some(Effect::InPlace | Effect::Restart) => Fate::Change(changes),
            };
            (machine, Some(fate))
        };
        self.desired.machines.iter().map(fate).collect()
    }

    /// Machines that are not desired, and those that are replaced; what needed a machine goes before it.
    fn remove_machines(&mut self, fates: &[(&'a Arc<MachineSpec>, Option<Fate>)]) {
        let fates: HashMap<&str, &Option<Fate>> =
            fates.iter().map(|(machine, fate)| (machine.name.as_str(), fate)).collect();
        let mut removed = Vec::new();
        for (name, recorded) in &self.recorded.machines {
            let (action, reason) = match fates.get(name.as_str()) {
                Some(Some(Fate::Replace(changes))) => (Action::Replace, changes.reason()),
                Some(_) => continue,
                None => (Action::Delete, "the machine is not in the document any more".to_owned()),
            };
            let id = self.add(Draft {
                kind: StepKind::MachineRemove,
                name: name.clone(),
                instance: recorded.spec.instance.clone(),
                action,
                reason,
                changes: Vec::new(),
                undo: GONE,
                work: Work::RemoveMachine { machine: Arc::clone(&recorded.spec) },
            });
            self.machines.entry(name.as_str()).or_default().remove = Some(id);
            removed.push((id, &recorded.spec));
        }
        for (id, spec) in removed {
            for need in spec.needs.iter().filter(|need| need.stage.is_some()) {
                let needed = self.machines.get(need.name.as_str()).and_then(|steps| steps.remove);
                if let Some(needed) = needed {
                    self.need(needed, Some(id));
                }
            }
        }
    }

    fn remove_networks(
        &mut self,
        replaced: &HashSet<&str>,
        networks: &[(&'a Arc<NetworkSpec>, Option<Changes>)],
    ) {
        let desired: HashMap<&str, &Option<Changes>> =
            networks.iter().map(|(network, changes)| (network.name.as_str(), changes)).collect();
        for (name, recorded) in &self.recorded.networks {
            let (action, reason) = match desired.get(name.as_str()) {
                None => (Action::Delete, "the network is not in the document any more".to_owned()),
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

    fn ensure_networks(&mut self, networks: Vec<(&'a Arc<NetworkSpec>, Option<Changes>)>) {
        for (network, changes) in networks {
            let is_replaced = self.network_remove.contains_key(network.name.as_str());
            let (action, reason, changes, before) = match changes {
                None => (Action::Create, "the network does not exist".to_owned(), Vec::new(), None),
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
    fn wait_for_subnets(&mut self) {
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

    fn ensure_machines(&mut self, fates: Vec<(&'a Arc<MachineSpec>, Option<Fate>)>) {
        for (machine, fate) in fates {
            let stage = self.recorded.machines.get(&machine.name).map(|recorded| recorded.stage);
            match fate {
                None => {
                    self.create(machine, Action::Create, "the machine does not exist".to_owned(), Vec::new())
                }
                Some(Fate::Replace(changes)) => {
                    self.create(machine, Action::Replace, changes.reason(), changes.list)
                }
                Some(Fate::Change(changes)) => self.change(machine, changes, stage.unwrap_or(Stage::Created)),
                Some(Fate::Keep) => match stage.unwrap_or(Stage::Created) {
                    Stage::Created => {
                        self.start(machine, Action::Update, "the machine is not started");
                        self.wait(machine, Action::Update, "the machine is started");
                    }
                    Stage::Started => self.wait(machine, Action::Update, "the machine was not ready yet"),
                    Stage::Ready | Stage::Configured => self.kept.machines.push(machine.name.clone()),
                },
            }
        }
    }

    fn create(
        &mut self,
        machine: &'a Arc<MachineSpec>,
        action: Action,
        reason: String,
        changes: Vec<Change>,
    ) {
        let id = self.add(Draft {
            kind: StepKind::MachineEnsure,
            name: machine.name.clone(),
            instance: machine.instance.clone(),
            action,
            reason,
            changes,
            undo: undo(UndoKind::Remove),
            work: Work::EnsureMachine { machine: Arc::clone(machine), before: None },
        });
        let steps = self.machines.entry(machine.name.as_str()).or_default();
        steps.ensure = Some(id);
        let removal = steps.remove;
        self.need(id, removal);
        self.start(machine, action, "the machine is new");
        self.wait(machine, action, "the machine is started");
    }

    fn change(&mut self, machine: &'a Arc<MachineSpec>, changes: Changes, stage: Stage) {
        let restarts = changes.effect == Some(Effect::Restart) && stage != Stage::Created;
        if restarts {
            let id = self.add(Draft {
                kind: StepKind::MachineStop,
                name: machine.name.clone(),
                instance: machine.instance.clone(),
                action: Action::Update,
                reason: format!("the machine is stopped for a change: {}", changes.reason()),
                changes: Vec::new(),
                undo: undo(UndoKind::Start),
                work: Work::StopMachine,
            });
            self.machines.entry(machine.name.as_str()).or_default().stop = Some(id);
        }
        let before = self.recorded.machines.get(&machine.name).map(|recorded| Arc::clone(&recorded.spec));
        let id = self.add(Draft {
            kind: StepKind::MachineEnsure,
            name: machine.name.clone(),
            instance: machine.instance.clone(),
            action: Action::Update,
            reason: changes.reason(),
            changes: changes.list,
            undo: undo(UndoKind::Restore),
            work: Work::EnsureMachine { machine: Arc::clone(machine), before },
        });
        let steps = self.machines.entry(machine.name.as_str()).or_default();
        steps.ensure = Some(id);
        let stop = steps.stop;
        self.need(id, stop);
        if restarts || stage == Stage::Created {
            self.start(
                machine,
                Action::Update,
                if restarts { "the change is done" } else { "the machine is not started" },
            );
        }
        if restarts || stage != Stage::Ready {
            self.wait(machine, Action::Update, "the machine is started");
        }
    }

    fn start(&mut self, machine: &'a Arc<MachineSpec>, action: Action, reason: &str) {
        let id = self.add(Draft {
            kind: StepKind::MachineStart,
            name: machine.name.clone(),
            instance: machine.instance.clone(),
            action,
            reason: reason.to_owned(),
            changes: Vec::new(),
            undo: undo(UndoKind::Stop),
            work: Work::StartMachine,
        });
        let steps = self.machines.entry(machine.name.as_str()).or_default();
        steps.start = Some(id);
        let ensure = steps.ensure;
        self.need(id, ensure);
    }

    fn wait(&mut self, machine: &'a Arc<MachineSpec>, action: Action, reason: &str) {
        let id = self.add(Draft {
            kind: StepKind::MachineWait,
            name: machine.name.clone(),
            instance: machine.instance.clone(),
            action,
            reason: reason.to_owned(),
            changes: Vec::new(),
            undo: no_undo("waiting changes nothing"),
            work: Work::WaitMachine { ready: machine.ready },
        });
        let steps = self.machines.entry(machine.name.as_str()).or_default();
        steps.wait = Some(id);
        let (start, ensure) = (steps.start, steps.ensure);
        self.need(id, start.or(ensure));
    }

    /// Routes and rules of every router; those of a machine that is removed go with it.
    fn routers(&mut self) {
        let mut wanted = HashSet::with_capacity(self.desired.routers.len());
        for router in &self.desired.routers {
            wanted.insert(router.name.as_str());
            let steps = self.machines.get(router.name.as_str()).copied().unwrap_or_default();
            let recorded = self.recorded.routers.get(&router.name).filter(|_| steps.remove.is_none());
            let (action, reason, changes, before) = match recorded {
                None => (Action::Create, "the router has no rules yet".to_owned(), Vec::new(), None),
                Some(recorded) if recorded == router => {
                    self.kept.routers.push(router.name.clone());
                    continue;
                }
                Some(recorded) => {
                    let changes = changes::of_router(recorded, router);
                    (Action::Update, changes.reason(), changes.list, Some(Arc::clone(recorded)))
                }
            };
            let undo = match before {
                Some(_) => undo(UndoKind::Restore),
                None if steps.ensure.is_some() => no_undo("the machine itself is removed"),
                None => undo(UndoKind::Remove),
            };
            let id = self.add(Draft {
                kind: StepKind::RulesEnsure,
                name: router.name.clone(),
                instance: router.instance.clone(),
                action,
                reason,
                changes,
                undo,
                work: Work::EnsureRules { router: Arc::clone(router), before },
            });
            self.machines.entry(router.name.as_str()).or_default().rules = Some(id);
            self.need(id, steps.available());
        }
        for (name, router) in &self.recorded.routers {
            let steps = self.machines.get(name.as_str()).copied().unwrap_or_default();
            if wanted.contains(name.as_str())
                || steps.remove.is_some()
                || !self.recorded.machines.contains_key(name)
            {
                continue;
            }
            let id = self.add(Draft {
                kind: StepKind::RulesRemove,
                name: name.clone(),
                instance: router.instance.clone(),
                action: Action::Delete,
                reason: "the machine does not forward packets any more".to_owned(),
                changes: Vec::new(),
                undo: undo(UndoKind::Restore),
                work: Work::RemoveRules { router: Arc::clone(router) },
            });
            self.need(id, steps.available());
        }
    }

    /// The needs of machines: their networks, their addresses, the way to them, and what the document says.
    fn machine_needs(&mut self) {
        let mut freed = HashMap::new();
        for (name, recorded) in &self.recorded.machines {
            let steps = self.machines.get(name.as_str()).copied().unwrap_or_default();
            if let Some(step) = steps.remove.or(steps.stop) {
                let addressed = recorded
                    .spec
                    .nics
                    .iter()
                    .filter_map(|nic| Some((nic.network.as_str(), nic.address?.addr())));
                freed.extend(addressed.map(|place| (place, step)));
            }
        }
        for machine in &self.desired.machines {
            let steps = self.machines.get(machine.name.as_str()).copied().unwrap_or_default();
            if let Some(ensure) = steps.ensure {
                for nic in &machine.nics {
                    self.need(ensure, self.network_ensure.get(nic.network.as_str()).copied());
                    let freed =
                        nic.address.and_then(|address| freed.get(&(nic.network.as_str(), address.addr())));
                    self.need(ensure, freed.copied());
                }
                let is_new = self.steps[ensure as usize].action != Action::Update;
                for need in machine.needs.iter().filter(|_| is_new) {
                    self.need_stage(ensure, need);
                }
            }
            if let Some(wait) = steps.wait
                && machine.ready.as_ref().is_none_or(Ready::needs_path)
            {
                self.need_path(wait, machine);
            }
        }
    }

    /// The router through which the operator reaches a machine comes first, unless the platform does without.
    fn need_path(&mut self, step: u32, machine: &MachineSpec) {
        if self.inputs.rules.reaches_machines {
            return;
        }
        let upstream = machine.upstream.as_deref().and_then(|upstream| self.machines.get(upstream)).copied();
        if let Some(upstream) = upstream {
            self.need(step, upstream.rules.or(upstream.available()));
        }
    }

    fn need_stage(&mut self, step: u32, need: &NeedSpec) {
        let Some(stage) = need.stage else {
            self.need(step, self.task_runs.get(need.name.as_str()).copied());
            return;
        };
        let steps = self.machines.get(need.name.as_str()).copied().unwrap_or_default();
        let needed = match stage {
            Stage::Created => steps.ensure,
            Stage::Started => steps.start.or(steps.ensure),
            Stage::Ready => steps.available(),
            Stage::Configured => steps.rules.or(steps.available()),
        };
        self.need(step, needed);
        if stage == Stage::Configured {
            for run in self.runs_on.get(need.name.as_str()).cloned().unwrap_or_default() {
                self.need(step, Some(run));
            }
        }
    }

    /// A network is removed after everything left it.
    fn detach_before_removal(&mut self) {
        if self.network_remove.is_empty() {
            return;
        }
        for (name, recorded) in &self.recorded.machines {
            let steps = self.machines.get(name.as_str()).copied().unwrap_or_default();
            for nic in &recorded.spec.nics {
                if let Some(removal) = self.network_remove.get(nic.network.as_str()).copied() {
                    self.need(removal, steps.remove.or(steps.ensure));
                }
            }
        }
    }

    /// A task runs on all of its machines when it changed, else on those on which it was not done.
    fn tasks(&mut self) {
        let mut runs = Vec::new();
        for task in &self.desired.tasks {
            let recorded = self.recorded.tasks.get(&task.name);
            let changes = recorded.map(|recorded| changes::of_task(&recorded.spec, task));
            let is_done = |machine: &str| {
                let is_recorded = recorded.is_some_and(|recorded| recorded.done_on.contains(machine));
                is_recorded && self.machines.get(machine).is_none_or(|steps| steps.remove.is_none())
            };
            let (action, reason, changes, machines) = match changes {
                None => {
                    (Action::Create, "the task has not run yet".to_owned(), Vec::new(), task.machines.clone())
                }
                Some(changes) if changes.effect.is_some() => {
                    (Action::Update, changes.reason(), changes.list, task.machines.clone())
                }
                Some(_) => {
                    let missing: Vec<String> =
                        task.machines.iter().filter(|machine| !is_done(machine)).cloned().collect();
                    if missing.is_empty() {
                        self.kept.tasks.push(task.name.clone());
                        continue;
                    }
                    (
                        Action::Update,
                        "the task has not run on these machines yet".to_owned(),
                        Vec::new(),
                        missing,
                    )
                }
            };
            let id = self.add(Draft {
                kind: StepKind::Playbook,
                name: task.name.clone(),
                instance: task.instance.clone(),
                action,
                reason,
                changes,
                undo: no_undo(
                    "what a playbook did cannot be undone; a machine that this plan created is removed",
                ),
                work: Work::RunTask { task: Arc::clone(task), machines },
            });
            self.task_runs.insert(task.name.as_str(), id);
            runs.push((task, id));
        }
        for (task, id) in &runs {
            let Work::RunTask { machines, .. } = &self.steps[*id as usize].work else { continue };
            let run_on: HashSet<&str> = machines.iter().map(String::as_str).collect();
            for machine in task.machines.iter().map(String::as_str).filter(|machine| run_on.contains(machine))
            {
                self.runs_on.entry(machine).or_default().push(*id);
            }
        }
        let upstream: HashMap<&str, &Arc<MachineSpec>> =
            self.desired.machines.iter().map(|machine| (machine.name.as_str(), machine)).collect();
        for (task, id) in runs {
            for machine in &task.machines {
                let steps = self.machines.get(machine.as_str()).copied().unwrap_or_default();
                self.need(id, steps.available());
                self.need(id, steps.rules);
                if let Some(machine) = upstream.get(machine.as_str()) {
                    self.need_path(id, machine);
                }
            }
            for need in &task.needs {
                self.need_stage(id, need);
            }
        }
        // Machines that wait for tasks: those were not known before.
        for machine in &self.desired.machines {
            let ensure = self.machines.get(machine.name.as_str()).and_then(|steps| steps.ensure);
            let Some(ensure) = ensure.filter(|ensure| self.steps[*ensure as usize].action != Action::Update)
            else {
                continue;
            };
            let waits_for_tasks = |need: &&NeedSpec| matches!(need.stage, None | Some(Stage::Configured));
            for need in machine.needs.iter().filter(waits_for_tasks) {
                self.need_stage(ensure, need);
            }
        }
    }

    /// Packets are sent in an instance once everything else in it is done, if anything changed since they last were.
    fn verify(&mut self) {
        if !self.desired.verify {
            return;
        }
        let mut steps: HashMap<&str, (bool, Vec<u32>)> = HashMap::new();
        let mut is_needed = vec![false; self.steps.len()];
        self.steps.iter().flat_map(|step| &step.needs).for_each(|need| is_needed[*need as usize] = true);
        let instances: HashMap<&str, &'a String> =
            self.desired.instances.iter().map(|instance| (instance.as_str(), instance)).collect();
        for step in &self.steps {
            let Some(instance) = instances.get(step.instance.as_str()) else { continue };
            let (is_changed, last) = steps.entry(instance.as_str()).or_default();
            *is_changed |= !matches!(step.kind, StepKind::Playbook | StepKind::TaskForget);
            if !is_needed[step.id as usize] {
                last.push(step.id);
            }
        }
        for instance in &self.desired.instances {
            let (is_changed, last) = steps.remove(instance.as_str()).unwrap_or_default();
            let is_verified = self.recorded.verified.contains(instance);
            if is_verified && !is_changed {
                continue;
            }
            let reason =
                if is_changed { "the instance changes" } else { "the instance was not verified yet" };
            let id = self.add(Draft {
                kind: StepKind::Verify,
                name: if instance.is_empty() { self.desired.name.clone() } else { instance.clone() },
                instance: instance.clone(),
                action: if is_verified { Action::Update } else { Action::Create },
                reason: reason.to_owned(),
                changes: Vec::new(),
                undo: no_undo("sending packets changes nothing"),
                work: Work::Verify,
            });
            self.steps[id as usize].needs = last;
        }
    }
}
