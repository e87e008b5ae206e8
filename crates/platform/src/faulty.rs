//! A platform some of whose calls fail on purpose, to try what happens then: it refuses, is away, or carries a call out and does not
//! answer. Everything else is done by the real platform.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use crate::{
    description::Description,
    error::Error,
    faults::{Call, Effect, Fault, Faults},
    observed::{Observed, Power},
    owner::{Owner, Thing},
    platform::{Access, Answer, Awaited, Ensured, Platform, Progress, SnapshotAction},
    wanted::Wanted,
};

/// A platform with faults.
#[derive(Debug)]
pub struct Faulty {
    platform: Arc<dyn Platform>,
    faults: Faults,
}

impl Faulty {
    /// The platform with these faults.
    #[must_use]
    pub fn new(platform: Arc<dyn Platform>, faults: Vec<Fault>) -> Self {
        Self { platform, faults: Faults::new(faults) }
    }

    /// Makes a call, unless its fault prevents that. `within` is how long the call may take, if it has a limit.
    async fn call<T>(
        &self,
        (call, name): (Call, &str),
        within: Option<Duration>,
        answer: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        let timeout = || Error::Unknown { what: "no answer".to_owned() };
        match self.faults.next(call, name) {
            None => answer.await,
            Some(Effect::Refuse(what)) => Err(Error::refused(what)),
            Some(Effect::Fail) => Err(Error::retry("the platform failed before it did anything")),
            Some(Effect::Throttle(after)) => Err(Error::Retry {
                what: "too many requests".to_owned(),
                after: Some(Duration::from_millis(after)),
            }),
            Some(Effect::TimeoutBefore) => Err(timeout()),
            Some(Effect::TimeoutAfter) => {
                // What was done is done, whether it succeeded or not: the caller does not learn it.
                answer.await.ok();
                Err(timeout())
            }
            Some(Effect::Slow(factor)) => {
                let begun = Instant::now();
                let answered = answer.await;
                sleep(begun.elapsed().saturating_mul(factor.saturating_sub(1))).await;
                answered
            }
            Some(Effect::NeverReady) => match within {
                None => answer.await,
                Some(within) => {
                    sleep(within).await;
                    let what = format!("machine `{name}` is not ready after {} s", within.as_secs());
                    Err(Error::refused_with(what, "a fault of the settings has this effect"))
                }
            },
        }
    }
}

impl Platform for Faulty {
    fn describe(&self) -> Answer<'_, Description> {
        Box::pin(self.call((Call::Describe, ""), None, self.platform.describe()))
    }

    fn observe<'a>(&'a self, owner: &'a Owner) -> Answer<'a, Observed> {
        Box::pin(self.call((Call::Observe, ""), None, self.platform.observe(owner)))
    }

    fn ensure<'a>(&'a self, owner: &'a Owner, wanted: &'a Wanted) -> Answer<'a, Ensured> {
        let call = (Call::ensure(wanted.kind()), wanted.name());
        Box::pin(self.call(call, None, self.platform.ensure(owner, wanted)))
    }

    fn power<'a>(&'a self, machine: &'a Thing, power: Power) -> Answer<'a, Progress> {
        Box::pin(self.call((Call::Power, machine.name.as_str()), None, self.platform.power(machine, power)))
    }

    fn access<'a>(&'a self, machine: &'a Thing) -> Answer<'a, Access> {
        Box::pin(self.call((Call::Access, machine.name.as_str()), None, self.platform.access(machine)))
    }

    fn snapshot<'a>(&'a self, machine: &'a Thing, action: &'a SnapshotAction) -> Answer<'a, Progress> {
        Box::pin(self.call(
            (Call::Snapshot, machine.name.as_str()),
            None,
            self.platform.snapshot(machine, action),
        ))
    }

    fn remove<'a>(&'a self, thing: &'a Thing) -> Answer<'a, Progress> {
        Box::pin(self.call((Call::Remove, &thing.name), None, self.platform.remove(thing)))
    }

    fn wait<'a>(&'a self, awaited: &'a Awaited) -> Answer<'a, ()> {
        let (name, within) = match awaited {
            Awaited::Task(handle) => (handle.0.as_str(), None),
            Awaited::Ready { machine, within, .. } => (machine.name.as_str(), Some(*within)),
        };
        Box::pin(self.call((Call::Wait, name), within, self.platform.wait(awaited)))
    }
}
