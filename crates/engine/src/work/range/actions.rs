//! What a saga does for each step of a plan: calls to the platform, and child jobs for tasks.

use std::{net::IpAddr, sync::Arc, time::Duration};

use model::JournalEntry;
use platform::{
    Awaited, Error, Handle, Login, MachineWanted, Owner, Power, Progress, RulesState, SnapshotAction, Thing,
    ThingKind, Wanted,
};
use range::{
    Plan,
    expand::spec::{MachineSpec, NetworkSpec, RouterSpec},
    plan::{Step, UndoKind, Work},
};
use saga::{Actions, Answer, Failure, Found, Undo};

use super::{
    graph::{self, ready_limit, thing_kind},
    tasks::Tasks,
};
use crate::platforms::PlatformEntry;

/// Carries out the steps of one plan.
pub(super) struct PlanActions<'a> {
    pub(super) plan: &'a Plan,
    pub(super) owner: Owner,
    pub(super) platform: PlatformEntry,
    /// Does the platform set rules of routers itself?
    pub(super) sets_rules: bool,
    /// How long a machine may take until it is ready, if its document has no limit.
    pub(super) ready_within: Duration,
    /// Who logs in to the machines.
    pub(super) login: Login,
    pub(super) tasks: Tasks<'a>,
}

impl Actions for PlanActions<'_> {
    async fn perform(&self, step: u32, _found: Option<&Found>) -> Result<Answer, Failure> {
        let step = self.step(step)?;
        match &step.work {
            Work::EnsureNetwork { network, .. } => self.ensure(self.network(network)).await,
            Work::EnsureMachine { machine, .. } => self.ensure(self.machine(machine)).await,
            Work::EnsureRules { router, .. } if self.is_job(step) => {
                self.tasks.rules(step, Some(router)).await
            }
            Work::RemoveRules { .. } if self.is_job(step) => self.tasks.rules(step, None).await,
            Work::EnsureRules { router, .. } => self.ensure(self.rules(router)).await,
            Work::StartMachine => self.power(step, Power::On).await,
            Work::StopMachine => self.power(step, Power::Off).await,
            Work::RemoveNetwork { .. } | Work::RemoveMachine { .. } | Work::RemoveRules { .. } => {
                self.remove(&self.thing(step)?).await
            }
            Work::WaitMachine { ready } => {
                let (machine, within) = (self.thing(step)?, ready_limit(*ready, self.ready_within));
                let ready = Awaited::Ready { machine, ready: *ready, within };
                self.platform.platform.wait(&ready).await.map_err(failure)?;
                Ok(Answer::Done(None))
            }
            Work::TakeSnapshot { snapshot } => {
                self.snapshot(step, SnapshotAction::Take(snapshot.clone())).await
            }
            Work::RevertSnapshot { snapshot } => {
                self.snapshot(step, SnapshotAction::Revert(snapshot.clone())).await
            }
            Work::RemoveSnapshot { snapshot } => {
                self.snapshot(step, SnapshotAction::Remove(snapshot.clone())).await
            }
            Work::RunTask { task, machines } => self.tasks.run(step, task, machines).await,
            Work::Verify => self.tasks.verify(step, self.outside().await?).await,
            Work::ForgetTask => Ok(Answer::Done(None)),
        }
    }

    async fn wait(&self, step: u32, handle: &str) -> Result<Option<String>, Failure> {
        let step = self.step(step)?;
        if self.is_job(step) {
            return self.tasks.wait(step, handle).await;
        }
        self.wait_for(handle).await?;
        Ok(None)
    }

    async fn look_up(&self, step: u32) -> Result<Found, Failure> {
        let step = self.step(step)?;
        if self.is_job(step) {
            return self.tasks.look_up(step).await;
        }
        let observed = self.platform.platform.observe(&self.owner).await.map_err(failure)?;
        let (network, machine) = (observed.network(&step.name), observed.machine(&step.name));
        // Creating adopts what is right, and corrects what is wrong.
        let existing = |exists: bool| if exists { Found::Wrong } else { Found::Absent };
        let reached = |is_reached: bool| if is_reached { Found::Right(None) } else { Found::Wrong };
        Ok(match &step.work {
            Work::EnsureNetwork { .. } => existing(network.is_some()),
            Work::EnsureMachine { .. } => existing(machine.is_some()),
            Work::EnsureRules { .. } => {
                existing(machine.is_some_and(|machine| machine.rules != RulesState::None))
            }
            // Of a removal that was interrupted, a leftover remains that the next removal removes.
            Work::RemoveNetwork { .. } => reached(network.is_none() && observed.leftovers.is_empty()),
            Work::RemoveMachine { .. } => reached(machine.is_none() && observed.leftovers.is_empty()),
            Work::RemoveRules { .. } => {
                reached(machine.is_none_or(|machine| machine.rules == RulesState::None))
            }
            Work::StartMachine => reached(machine.is_some_and(|machine| machine.power == Power::On)),
            Work::StopMachine => reached(machine.is_some_and(|machine| machine.power == Power::Off)),
            Work::TakeSnapshot { snapshot } => {
                existing(machine.is_some_and(|machine| machine.snapshots.contains(snapshot)))
            }
            Work::RemoveSnapshot { snapshot } => {
                reached(machine.is_none_or(|machine| !machine.snapshots.contains(snapshot)))
            }
            Work::WaitMachine { .. }
            | Work::RevertSnapshot { .. }
            | Work::RunTask { .. }
            | Work::ForgetTask
            | Work::Verify => Found::Wrong,
        })
    }

    async fn undo(&self, step: u32, entry: &JournalEntry) -> Result<Undo, Failure> {
        let step = self.step(step)?;
        let Some(kind) = thing_kind(&step.work) else { return Ok(Undo::Undone) };
        if self.is_job(step) {
            return self.undo_rules(step).await;
        }
        if let Some(handle) = &entry.handle {
            // An operation that failed has ended, too.
            match self.wait_for(handle).await {
                Ok(()) | Err(Failure::Refused { .. } | Failure::Gone { .. }) => {}
                Err(failure) => return Err(failure),
            }
        }
        match step.undo.kind {
            UndoKind::Remove => {
                if let Work::TakeSnapshot { snapshot } = &step.work {
                    let removed = self.snapshot(step, SnapshotAction::Remove(snapshot.clone())).await;
                    self.completed(removed).await?;
                    return Ok(Undo::Undone);
                }
                let thing = self.thing(step)?;
                let removed = self.remove(&thing).await;
                self.completed(removed).await?;
                self.prove_absence(&thing).await
            }
            UndoKind::Restore => {
                let former = self.former(step).ok_or_else(|| refused("the former state is not recorded"))?;
                let restored = self.ensure(former).await;
                self.completed(restored).await?;
                Ok(Undo::Undone)
            }
            UndoKind::Start | UndoKind::Stop => {
                let power = if step.undo.kind == UndoKind::Start { Power::On } else { Power::Off };
                match self.power(step, power).await {
                    // A machine that does not exist counts as stopped.
                    Err(Failure::Gone { .. }) if power == Power::Off => {}
                    other => self.completed(other).await?,
                }
                Ok(Undo::Undone)
            }
            UndoKind::Nothing => self.keep(step, kind).await,
        }
    }

    fn remedy(&self, step: u32) -> String {
        let what = self.plan.steps.get(step as usize).map_or("", |step| step.name.as_str());
        format!(
            "remove `{what}` on platform `{}`: what belongs to the range carries the mark `{}`",
            self.plan.platform, self.owner
        )
    }
}

impl PlanActions<'_> {
    fn step(&self, step: u32) -> Result<&Step, Failure> {
        self.plan.steps.get(step as usize).ok_or_else(|| refused("the plan has no such step"))
    }

    fn is_job(&self, step: &Step) -> bool {
        graph::is_job(&step.work, self.sets_rules)
    }

    fn thing(&self, step: &Step) -> Result<Thing, Failure> {
        let kind =
            thing_kind(&step.work).ok_or_else(|| refused("the step is about nothing on a platform"))?;
        Ok(self.owner.thing(kind, &step.name))
    }

    fn network(&self, network: &Arc<NetworkSpec>) -> Wanted {
        Wanted::Network(Arc::clone(network))
    }

    fn machine(&self, machine: &Arc<MachineSpec>) -> Wanted {
        Wanted::Machine(MachineWanted { spec: Arc::clone(machine), login: self.login.clone() })
    }

    fn rules(&self, router: &Arc<RouterSpec>) -> Wanted {
        Wanted::Rules(Arc::clone(router))
    }

    /// What existed before the step.
    fn former(&self, step: &Step) -> Option<Wanted> {
        match &step.work {
            Work::EnsureNetwork { before, .. } => before.as_ref().map(|network| self.network(network)),
            Work::EnsureMachine { before, .. } => before.as_ref().map(|machine| self.machine(machine)),
            Work::EnsureRules { before, .. } => before.as_ref().map(|router| self.rules(router)),
            Work::RemoveRules { router } => Some(self.rules(router)),
            _ => None,
        }
    }

    async fn ensure(&self, wanted: Wanted) -> Result<Answer, Failure> {
        let ensured = self.platform.platform.ensure(&self.owner, &wanted).await.map_err(failure)?;
        Ok(answer(ensured.progress))
    }

    async fn power(&self, step: &Step, power: Power) -> Result<Answer, Failure> {
        let machine = self.owner.thing(ThingKind::Machine, &step.name);
        self.platform.platform.power(&machine, power).await.map(answer).map_err(failure)
    }

    async fn snapshot(&self, step: &Step, action: SnapshotAction) -> Result<Answer, Failure> {
        let machine = self.owner.thing(ThingKind::Machine, &step.name);
        self.platform.platform.snapshot(&machine, &action).await.map(answer).map_err(failure)
    }

    async fn remove(&self, thing: &Thing) -> Result<Answer, Failure> {
        self.platform.platform.remove(thing).await.map(answer).map_err(failure)
    }

    async fn wait_for(&self, handle: &str) -> Result<(), Failure> {
        let task = Awaited::Task(Handle(handle.to_owned()));
        self.platform.platform.wait(&task).await.map_err(failure)
    }

    /// An address outside that the packets of a verification are for, if one is known.
    async fn outside(&self) -> Result<Option<IpAddr>, Failure> {
        match self.platform.verify_address {
            // Machines that can't send have no outside.
            None if self.tasks.are_run() => {
                Ok(self.platform.platform.observe(&self.owner).await.map_err(failure)?.outside)
            }
            address => Ok(address),
        }
    }

    /// Waits for the end of what the platform accepted.
    async fn completed(&self, answer: Result<Answer, Failure>) -> Result<(), Failure> {
        match answer? {
            Answer::Done(_) => Ok(()),
            Answer::Accepted(handle) => self.wait_for(&handle).await,
        }
    }

    async fn prove_absence(&self, thing: &Thing) -> Result<Undo, Failure> {
        let observed = self.platform.platform.observe(&self.owner).await.map_err(failure)?;
        let exists = match thing.kind {
            ThingKind::Network => observed.network(&thing.name).is_some(),
            ThingKind::Machine => observed.machine(&thing.name).is_some(),
            ThingKind::Rules => {
                observed.machine(&thing.name).is_some_and(|machine| machine.rules != RulesState::None)
            }
        };
        if exists {
            return Err(Failure::Unknown { why: format!("{thing} still exists after its removal") });
        }
        Ok(Undo::Undone)
    }

    /// Rules that a job set or removed are undone by another job, unless they go with their machine.
    async fn undo_rules(&self, step: &Step) -> Result<Undo, Failure> {
        match (&step.undo.kind, self.former(step)) {
            (UndoKind::Nothing, _) => Ok(Undo::Undone),
            (UndoKind::Restore, Some(Wanted::Rules(router))) => {
                self.tasks.undo_rules(step, Some(&router)).await
            }
            (UndoKind::Restore, _) => Err(refused("the former rules are not recorded")),
            (UndoKind::Remove | UndoKind::Start | UndoKind::Stop, _) => {
                self.tasks.undo_rules(step, None).await
            }
        }
    }

    /// A step without an undo: what it removed stays removed.
    async fn keep(&self, step: &Step, kind: ThingKind) -> Result<Undo, Failure> {
        if let Work::RevertSnapshot { snapshot } = &step.work {
            return Ok(Undo::Left {
                why: format!(
                    "machine `{}` was reverted to snapshot `{snapshot}`: {}",
                    step.name, step.undo.why
                ),
                remedy: "apply the document to make the machine as described".to_owned(),
            });
        }
        if !matches!(step.work, Work::RemoveNetwork { .. } | Work::RemoveMachine { .. }) {
            return Ok(Undo::Undone);
        }
        let observed = self.platform.platform.observe(&self.owner).await.map_err(failure)?;
        let exists = match kind {
            ThingKind::Network => observed.network(&step.name).is_some(),
            ThingKind::Machine | ThingKind::Rules => observed.machine(&step.name).is_some(),
        };
        if exists {
            return Ok(Undo::Undone);
        }
        Ok(Undo::Left {
            why: format!("{} `{}` was removed before: {}", kind.as_str(), step.name, step.undo.why),
            remedy: "apply the former document to create it again".to_owned(),
        })
    }
}

fn answer(progress: Progress) -> Answer {
    match progress {
        Progress::Done => Answer::Done(None),
        Progress::Pending(handle) => Answer::Accepted(handle.0),
    }
}

fn refused(why: &str) -> Failure {
    Failure::Refused { why: why.to_owned() }
}

/// The class of an error of a platform.
fn failure(error: Error) -> Failure {
    let why = error.to_string();
    match error {
        Error::Retry { after, .. } => Failure::Retry { after, why },
        Error::Refused { .. } | Error::NotSupported { .. } => Failure::Refused { why },
        Error::Gone { .. } => Failure::Gone { why },
        Error::Unknown { .. } => Failure::Unknown { why },
    }
}
