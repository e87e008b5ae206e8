//! A small range, and what the engine does with it: makes it, repeats what failed for a moment, removes it.

use std::{sync::Arc, time::Duration};

use platform::{
    Awaited, Change, Ensured, Error, Login, MachineWanted, Observed, Owner, Platform, Power, Progress, Thing,
    ThingKind, Wanted,
};
use range::{Desired, Leases, PlatformRules, Values, document::text::Format, expand::spec::MachineSpec};

/// A router between two networks with a machine each; the third octet differs by range.
pub(crate) fn desired(octet: u8) -> Desired {
    desired_of("kind: namespace", octet)
}

/// The same range of other machines.
pub(crate) fn desired_of(machine: &str, octet: u8) -> Desired {
    expand(&format!(
        "name: r\nplatform: p\nnetworks:\n  dmz: {{cidr: 10.{octet}.1.0/24}}\n  inner: {{cidr: 10.{octet}.2.0/24}}\n\
         machines:\n  gw: {{{machine}, role: router, networks: [dmz, inner]}}\n  \
         web: {{{machine}, networks: [dmz]}}\n  db: {{{machine}, networks: [inner]}}\n\
         rules: [{{from: dmz, to: inner, allow: [tcp/5432, icmp]}}]\n"
    ))
}

/// The only instance of a document.
pub(crate) fn expand(yaml: &str) -> Desired {
    let rules = PlatformRules { reaches_machines: true, ..PlatformRules::default() };
    let document = range::read_text(yaml, Format::Yaml, &rules).unwrap_or_else(|faults| panic!("{faults}"));
    range::expand(&document, &Values::default(), &Leases::default(), &rules).unwrap()
}

pub(crate) fn owner(range: &str) -> Owner {
    Owner::new("test", range).unwrap()
}

pub(crate) fn machine_wanted(spec: &Arc<MachineSpec>) -> Wanted {
    Wanted::Machine(MachineWanted { spec: Arc::clone(spec), login: Login::default() })
}

/// Everything that is to exist, in an order in which it can be made.
pub(crate) fn wanted(desired: &Desired) -> Vec<Wanted> {
    let networks = desired.networks.iter().map(|network| Wanted::Network(Arc::clone(network)));
    let machines = desired.machines.iter().map(machine_wanted);
    let rules = desired.routers.iter().map(|router| Wanted::Rules(Arc::clone(router)));
    networks.chain(machines).chain(rules).collect()
}

pub(crate) fn machines(owner: &Owner, desired: &Desired) -> Vec<Thing> {
    desired.machines.iter().map(|machine| owner.thing(ThingKind::Machine, &machine.name)).collect()
}

/// Everything that is to be removed, in an order in which it can be.
pub(crate) fn things(owner: &Owner, desired: &Desired) -> Vec<Thing> {
    let mut things: Vec<Thing> =
        wanted(desired).iter().map(|wanted| owner.thing(wanted.kind(), wanted.name())).collect();
    things.reverse();
    things
}

/// A platform, driven as the engine does: what may succeed later is repeated, an unknown result is looked up first.
pub(crate) struct Drive<'a> {
    pub(crate) platform: &'a dyn Platform,
    pub(crate) owner: Owner,
}

/// The most repetitions of a call.
const MOST: u32 = 20;

impl<'a> Drive<'a> {
    pub(crate) fn new(platform: &'a dyn Platform, range: &str) -> Self {
        Self { platform, owner: owner(range) }
    }

    pub(crate) async fn up(&self, desired: &Desired) -> Result<Vec<Change>, Error> {
        let mut changes = Vec::new();
        for wanted in wanted(desired) {
            changes.push(self.ensure(&wanted).await?);
        }
        for machine in machines(&self.owner, desired) {
            self.power(&machine, Power::On).await?;
        }
        Ok(changes)
    }

    pub(crate) async fn down(&self, desired: &Desired) -> Result<(), Error> {
        for thing in things(&self.owner, desired) {
            self.remove(&thing).await?;
        }
        Ok(())
    }

    pub(crate) async fn ensure(&self, wanted: &Wanted) -> Result<Change, Error> {
        let ensured: Ensured = self.persist(|| self.platform.ensure(&self.owner, wanted)).await?;
        self.finish(ensured.progress).await?;
        Ok(ensured.change)
    }

    pub(crate) async fn power(&self, machine: &Thing, power: Power) -> Result<(), Error> {
        let progress = self.persist(|| self.platform.power(machine, power)).await?;
        self.finish(progress).await
    }

    pub(crate) async fn remove(&self, thing: &Thing) -> Result<(), Error> {
        let progress = self.persist(|| self.platform.remove(thing)).await?;
        self.finish(progress).await
    }

    pub(crate) async fn observe(&self) -> Observed {
        self.persist(|| self.platform.observe(&self.owner)).await.unwrap()
    }

    pub(crate) async fn wait_ready(&self, machine: &Thing) -> Result<(), Error> {
        let awaited =
            Awaited::Ready { machine: machine.clone(), ready: None, within: Duration::from_secs(60) };
        self.persist(|| self.platform.wait(&awaited)).await
    }

    async fn finish(&self, progress: Progress) -> Result<(), Error> {
        let Progress::Pending(handle) = progress else { return Ok(()) };
        let awaited = Awaited::Task(handle);
        self.persist(|| self.platform.wait(&awaited)).await
    }

    async fn persist<T>(&self, call: impl Fn() -> platform::Answer<'a, T>) -> Result<T, Error> {
        let mut tries = 0;
        loop {
            match call().await {
                Err(error) if error.is_transient() && tries < MOST => {
                    if let Error::Retry { after: Some(after), .. } = error {
                        tokio::time::sleep(after).await;
                    }
                    tries += 1;
                }
                result => return result,
            }
        }
    }
}

/// The state of a range without the platform's own numbers.
pub(crate) fn shape(observed: &Observed) -> String {
    let mut observed = observed.clone();
    observed.networks.iter_mut().for_each(|network| network.id.clear());
    observed.machines.iter_mut().for_each(|machine| machine.id.clear());
    format!("{observed:#?}")
}
