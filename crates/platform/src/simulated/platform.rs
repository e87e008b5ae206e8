//! The simulated platform: what each call does to the world, when, and with which faults.

use std::{
    io,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use range::PlatformRules;
use tokio::time::{Instant, sleep};

use super::{actions, by_hand::ByHand, journal::Journal, options::Options, world::World};
use crate::{
    description::{Capabilities, Description},
    error::Error,
    faults::{Call, Effect, Fault, Faults},
    observed::{Observed, Power},
    owner::{Owner, Thing},
    platform::{Access, Answer, Awaited, Ensured, Handle, Platform, Progress, SnapshotAction},
    wanted::Wanted,
};

/// How often a machine that is not running is looked at while its readiness is awaited.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A platform in memory.
#[derive(Debug)]
pub struct Simulated {
    options: Options,
    faults: Faults,
    state: Mutex<(World, Option<Journal>)>,
    /// The time at which the platform was opened, by both clocks.
    opened: (Instant, u64),
}

impl Simulated {
    /// Opens the platform.
    ///
    /// # Errors
    /// If the file of the state can be neither read nor made.
    pub fn open(options: Options) -> io::Result<Self> {
        let state = match &options.file {
            None => (World::default(), None),
            Some(path) => Journal::open(path).map(|(journal, world)| (world, Some(journal)))?,
        };
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Self {
            faults: Faults::new(options.faults.clone()),
            state: Mutex::new(state),
            opened: (Instant::now(), millis(wall)),
            options,
        })
    }

    /// Replaces the faults of the options.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.faults.replace(faults);
    }

    /// Changes the platform like a user other than Rangehand.
    ///
    /// # Errors
    /// If the state cannot be kept.
    pub fn by_hand(&self, act: &ByHand) -> Result<(), Error> {
        self.change(|world, _| actions::by_hand(world, act))
    }

    /// Everything on the platform that carries no mark, by name.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub fn foreign(&self) -> Result<Vec<String>, Error> {
        self.change(|world, _| {
            let foreign = world.entries().filter(|(_, entry)| entry.owner.is_none());
            foreign.map(|(key, entry)| format!("{key} {entry:?}")).collect()
        })
    }

    fn now_ms(&self) -> u64 {
        self.opened.1 + millis(self.opened.0.elapsed())
    }

    /// Does something to the world as it is now.
    fn change<T>(&self, act: impl FnOnce(&mut World, u64) -> T) -> Result<T, Error> {
        let now = self.now_ms();
        let act = |world: &mut World| {
            world.settle(now);
            act(world, now)
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (world, journal) = &mut *state;
        match journal {
            None => {
                let result = act(world);
                world.take_changes();
                Ok(result)
            }
            Some(journal) => journal.change(world, act).map_err(|error| {
                let path = self.options.file.as_deref().unwrap_or_else(|| std::path::Path::new(""));
                Error::retry(format!(
                    "the simulated platform cannot keep its state in `{}`: {error}",
                    path.display()
                ))
            }),
        }
    }

    /// A call: its latency, its fault, its effect.
    async fn call<T>(
        &self,
        call: Call,
        name: &str,
        act: impl FnOnce(&mut World, u64) -> Result<T, Error> + Send,
    ) -> Result<T, Error> {
        let latencies = &self.options.latencies;
        let effect = self.faults.next(call, name);
        let factor = if let Some(Effect::Slow(factor)) = effect { factor } else { 1 };
        pause(latencies.call_ms.saturating_mul(factor.into())).await;
        let timeout = || Error::Unknown { what: format!("no answer after {} ms", latencies.timeout_ms) };
        match effect {
            None | Some(Effect::Slow(_) | Effect::NeverReady) => self.change(act)?,
            Some(Effect::Refuse(what)) => Err(Error::refused(what)),
            Some(Effect::Fail) => Err(Error::retry("the platform failed before it did anything")),
            Some(Effect::Throttle(after)) => Err(Error::Retry {
                what: "too many requests".to_owned(),
                after: Some(Duration::from_millis(after)),
            }),
            Some(Effect::TimeoutBefore) => {
                pause(latencies.timeout_ms).await;
                Err(timeout())
            }
            Some(Effect::TimeoutAfter) => {
                // What was done is done, whether it succeeded or not: the caller does not learn it.
                self.change(act)?.ok();
                pause(latencies.timeout_ms).await;
                Err(timeout())
            }
        }
    }

    async fn wait_for_task(&self, handle: &Handle) -> Result<(), Error> {
        let end = self.call(Call::Wait, &handle.0, |world, _| actions::task_end(world, handle)).await?;
        pause(end.saturating_sub(self.now_ms())).await;
        Ok(())
    }

    async fn wait_for_machine(&self, machine: &Thing, within: Duration) -> Result<(), Error> {
        let begun = Instant::now();
        let is_broken = self.faults.next(Call::Wait, &machine.name) == Some(Effect::NeverReady);
        loop {
            let ready = self.change(|world, _| actions::ready_at(world, machine))??;
            let ready = ready.filter(|_| !is_broken);
            if ready.is_some_and(|ready| ready <= self.now_ms()) {
                return Ok(());
            }
            let left = within.saturating_sub(begun.elapsed());
            if left.is_zero() {
                let what = format!("{machine} is not ready after {} s", within.as_secs());
                return Err(Error::refused_with(
                    what,
                    "the last lines of its console: `Welcome to emergency mode!`",
                ));
            }
            let next =
                ready.map_or(LOOK_AGAIN, |ready| Duration::from_millis(ready.saturating_sub(self.now_ms())));
            sleep(next.min(left)).await;
        }
    }
}

impl Platform for Simulated {
    fn describe(&self) -> Answer<'_, Description> {
        Box::pin(self.call(Call::Describe, "", |world, _| {
            Ok(Description {
                rules: PlatformRules {
                    durations: self.options.latencies.durations(),
                    ..self.options.rules.clone()
                },
                capabilities: Capabilities { snapshots: true, rules: true, uplink: true },
                subnets_in_use: actions::foreign_subnets(world),
                missing: Vec::new(),
                version: None,
            })
        }))
    }

    fn observe<'a>(&'a self, owner: &'a Owner) -> Answer<'a, Observed> {
        Box::pin(self.call(Call::Observe, "", |world, now| Ok(actions::observe(world, owner, now))))
    }

    fn ensure<'a>(&'a self, owner: &'a Owner, wanted: &'a Wanted) -> Answer<'a, Ensured> {
        let call = Call::ensure(wanted.kind());
        Box::pin(self.call(call, wanted.name(), move |world, now| {
            actions::ensure(world, &self.options, owner, wanted, now)
        }))
    }

    fn power<'a>(&'a self, machine: &'a Thing, power: Power) -> Answer<'a, Progress> {
        Box::pin(self.call(Call::Power, &machine.name, move |world, now| {
            actions::power(world, &self.options.latencies, machine, power, now)
        }))
    }

    fn access<'a>(&'a self, machine: &'a Thing) -> Answer<'a, Access> {
        Box::pin(self.call(Call::Access, &machine.name, |world, _| actions::access(world, machine)))
    }

    fn snapshot<'a>(&'a self, machine: &'a Thing, action: &'a SnapshotAction) -> Answer<'a, Progress> {
        Box::pin(self.call(Call::Snapshot, &machine.name, move |world, now| {
            actions::snapshot(world, &self.options.latencies, machine, action, now)
        }))
    }

    fn remove<'a>(&'a self, thing: &'a Thing) -> Answer<'a, Progress> {
        Box::pin(self.call(Call::Remove, &thing.name, move |world, now| {
            actions::remove(world, &self.options.latencies, thing, now)
        }))
    }

    fn wait<'a>(&'a self, awaited: &'a Awaited) -> Answer<'a, ()> {
        match awaited {
            Awaited::Task(handle) => Box::pin(self.wait_for_task(handle)),
            Awaited::Ready { machine, within, .. } => Box::pin(self.wait_for_machine(machine, *within)),
        }
    }
}

async fn pause(ms: u64) {
    if ms > 0 {
        sleep(Duration::from_millis(ms)).await;
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
