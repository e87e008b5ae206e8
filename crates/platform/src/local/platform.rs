//! The local platform: the calls of the trait, each on a thread that may enter namespaces.

use std::{
    collections::HashMap,
    io,
    os::fd::OwnedFd,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use range::{
    document::MachineKind,
    expand::spec::{NetworkSpec, RouterSpec},
};

use super::{
    bare,
    check::Way,
    connect_command::connect_command,
    describe::describe,
    fabric::Fabric,
    guest::{self, Guest},
    home::{Home, MachineDir, RangeDir},
    kernel::{Namespace, on_thread, unpin},
    login, machine, observe,
    options::{Options, UPLINK},
    process, ready, rules, template, uplink,
};
use crate::{
    description::Description,
    error::Error,
    observed::{Observed, Power},
    owner::{Owner, Thing, ThingKind},
    platform::{Access, Answer, Awaited, Change, Ensured, Platform, Progress, SnapshotAction},
    wanted::{MachineWanted, Wanted},
};

/// This machine as a platform, for a process that may make namespaces.
#[derive(Debug)]
pub struct Local {
    options: Arc<Options>,
    home: Home,
    fabrics: Mutex<HashMap<Owner, Arc<Fabric>>>,
}

impl Local {
    /// The platform with these options. Nothing is made before the first range is.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let home = Home::new(options.run.clone());
        Self { options: Arc::new(options), home, fabrics: Mutex::default() }
    }

    /// A connection to a port of a machine, which can be passed on to `ssh`.
    ///
    /// # Errors
    /// If there is no such machine, or nothing accepts the connection.
    pub async fn connect(&self, machine: &Thing, port: u16) -> Result<OwnedFd, Error> {
        let (dir, wanted) = self.machine(machine)?;
        let stream = thread_result(on_thread(move || ready::connect(&dir, &wanted.spec, port)).await)?;
        Ok(stream.into())
    }

    /// The fabric of a range; `None` if there is no such range.
    fn fabric(&self, dir: &RangeDir) -> Result<Option<Arc<Fabric>>, Error> {
        if !dir.exists()? {
            self.forget(dir.owner());
            return Ok(None);
        }
        if let Some(fabric) = self.known(dir)? {
            return Ok(Some(fabric));
        }
        let opened = Fabric::open(dir)?.map(Arc::new);
        Ok(opened.map(|fabric| self.remember(dir.owner(), fabric)))
    }

    fn fabric_or_make(&self, dir: &RangeDir) -> Result<Arc<Fabric>, Error> {
        if let Some(fabric) = self.fabric(dir)? {
            return Ok(fabric);
        }
        // One at a time: two calls for a new range must not make two.
        let mut fabrics = self.fabrics.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fabric) = fabrics.get(dir.owner()) {
            return Ok(Arc::clone(fabric));
        }
        self.home.prepare()?;
        let fabric = Arc::new(Fabric::open_or_make(dir)?);
        fabrics.insert(dir.owner().clone(), Arc::clone(&fabric));
        Ok(fabric)
    }

    /// The fabric that is open already, if the same one is still there.
    fn known(&self, dir: &RangeDir) -> Result<Option<Arc<Fabric>>, Error> {
        let known = self.fabrics.lock().unwrap_or_else(PoisonError::into_inner).get(dir.owner()).cloned();
        let Some(known) = known else { return Ok(None) };
        let there = Namespace::open(&dir.fabric())?.map(|namespace| namespace.inode()).transpose()?;
        if there == Some(known.inode) {
            return Ok(Some(known));
        }
        self.forget(dir.owner());
        Ok(None)
    }

    fn remember(&self, owner: &Owner, fabric: Arc<Fabric>) -> Arc<Fabric> {
        let mut fabrics = self.fabrics.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(fabrics.entry(owner.clone()).or_insert(fabric))
    }

    fn forget(&self, owner: &Owner) {
        self.fabrics.lock().unwrap_or_else(PoisonError::into_inner).remove(owner);
    }

    fn ensure_network(&self, owner: &Owner, network: &NetworkSpec) -> Result<Change, Error> {
        self.fabric_or_make(&self.home.range(owner))?.ensure(network)
    }

    async fn ensure_machine(&self, owner: &Owner, wanted: &MachineWanted) -> Result<Change, Error> {
        if wanted.spec.kind == MachineKind::Guest {
            template::root(&self.options, wanted.spec.template.as_deref().unwrap_or_default())?;
        }
        let range = self.home.range(owner);
        let dir = range.machine(&wanted.spec.name)?;
        let fabric = self.fabric_or_make(&range)?;
        let guest = Guest::new(&self.options, owner, &wanted.spec.name);
        let wanted = wanted.clone();
        if wanted.spec.nics.iter().any(|nic| nic.network == UPLINK) {
            self.ensure_uplink(&range, &fabric).await?;
        }
        locked(&fabric, &dir, move |fabric, dir| {
            let has_lost_files = wanted.spec.kind == MachineKind::Guest && guest.ensure_files(dir)?;
            let change = machine::ensure(fabric, dir, &wanted, &range)?;
            Ok(if has_lost_files && change == Change::Adopted { Change::Corrected } else { change })
        })
        .await
    }

    async fn ensure_uplink(&self, range: &RangeDir, fabric: &Arc<Fabric>) -> Result<(), Error> {
        let (range, fabric, pool) = (range.clone(), Arc::clone(fabric), self.options.uplink);
        let act = move || {
            let lock = fabric.lock(UPLINK);
            let _held = lock.lock().unwrap_or_else(PoisonError::into_inner);
            uplink::ensure(&range, &fabric, pool)
        };
        thread_result(on_thread(act).await)
    }

    async fn ensure_rules(&self, owner: &Owner, router: &Arc<RouterSpec>) -> Result<Change, Error> {
        let (dir, wanted) = self.machine(&owner.thing(ThingKind::Machine, &router.name))?;
        let fabric = self.fabric_or_make(&self.home.range(owner))?;
        let router = Arc::clone(router);
        locked(&fabric, &dir, move |_, dir| {
            machine::enter(dir)?;
            rules::ensure(dir, &wanted.spec, &router)
        })
        .await
    }

    /// A machine that exists.
    fn machine(&self, machine: &Thing) -> Result<(MachineDir, MachineWanted), Error> {
        let range = self.home.range(&machine.owner);
        let gone = || Error::gone(format!("{machine} does not exist"));
        let dir = range.machine(&machine.name)?;
        if !range.exists()? {
            return Err(gone());
        }
        let wanted = dir.wanted()?.ok_or_else(gone)?;
        Ok((dir, wanted))
    }

    async fn switch(&self, machine: &Thing, power: Power) -> Result<Progress, Error> {
        let (dir, wanted) = self.machine(machine)?;
        let Some(fabric) = self.fabric(&self.home.range(&machine.owner))? else {
            return Err(Error::gone(format!("{machine} has no networks any more")));
        };
        let options = Arc::clone(&self.options);
        let guest = Guest::new(&self.options, &machine.owner, &machine.name);
        locked(&fabric, &dir, move |fabric, dir| {
            machine::enter(dir)?;
            let is_guest = wanted.spec.kind == MachineKind::Guest;
            match power {
                Power::Off => process::stop(dir, if is_guest { guest::SHUTDOWN } else { Duration::ZERO }),
                Power::On if process::power(dir) == Power::On => Ok(()),
                Power::On => {
                    machine::learn(fabric, dir, &wanted)?;
                    if is_guest {
                        guest.start(dir, &wanted, &options)
                    } else {
                        bare::start(dir, &wanted, &options)
                    }
                }
            }
        })
        .await?;
        Ok(Progress::Done)
    }

    async fn take_away(&self, thing: &Thing) -> Result<Progress, Error> {
        let range = self.home.range(&thing.owner);
        let dir = range.machine(&thing.name)?;
        let fabric = self.fabric(&range)?;
        let guest = Guest::new(&self.options, &thing.owner, &thing.name);
        if !range.exists()? {
            // The files of guests outlive a restart of this machine.
            if thing.kind == ThingKind::Machine {
                thread_result(on_thread(move || guest.remove()).await)?;
            }
            if range.remove_rest() {
                self.release(range.owner());
            }
            return Ok(Progress::Done);
        }
        match thing.kind {
            ThingKind::Network => {
                if let Some(fabric) = &fabric {
                    let members = fabric.members.lock().unwrap_or_else(PoisonError::into_inner);
                    if let Some(machine) = members.get(&thing.name).and_then(|members| members.keys().next())
                    {
                        return Err(Error::refused(format!("{thing} is in use by machine `{machine}`")));
                    }
                    drop(members);
                    fabric.remove(&thing.name)?;
                }
            }
            ThingKind::Rules => {
                if dir.wanted()?.is_some() && rules::are_set(&dir) {
                    thread_result(
                        on_thread(move || machine::enter(&dir).and_then(|()| rules::remove(&dir))).await,
                    )?;
                }
                return Ok(Progress::Done);
            }
            ThingKind::Machine => {
                // Without a record there can still be what an interrupted removal left.
                dir.wanted()?;
                let fabric = fabric.clone();
                thread_result(
                    on_thread(move || {
                        let lock = fabric.as_ref().map(|fabric| fabric.lock(dir.name()));
                        let _held =
                            lock.as_ref().map(|lock| lock.lock().unwrap_or_else(PoisonError::into_inner));
                        process::stop(&dir, Duration::ZERO)?;
                        guest.remove()?;
                        machine::remove(fabric.as_deref(), &dir)
                    })
                    .await,
                )?;
            }
        }
        self.remove_empty(&range, fabric).await?;
        Ok(Progress::Done)
    }

    /// Removes the range itself when nothing is in it.
    async fn remove_empty(&self, range: &RangeDir, fabric: Option<Arc<Fabric>>) -> Result<(), Error> {
        // What is known comes first: a list of everything at each removal would make the whole grow with its square.
        if fabric.as_deref().is_some_and(Fabric::has_members) || !range.machines().is_empty() {
            return Ok(());
        }
        if let Some(fabric) = fabric {
            let is_network = |link| fabric.network_of(link).is_some_and(|found| found.name != UPLINK);
            if fabric.links()?.iter().any(is_network) {
                return Ok(());
            }
            let range = range.clone();
            thread_result(on_thread(move || uplink::remove(&range, &fabric)).await)?;
        }
        self.forget(range.owner());
        unpin(&range.fabric())?;
        range.remove();
        self.release(range.owner());
        Ok(())
    }

    /// Removes the directory of all ranges if there is none. A range that is created meanwhile waits.
    fn release(&self, owner: &Owner) {
        let _fabrics = self.fabrics.lock().unwrap_or_else(PoisonError::into_inner);
        self.home.release(owner.service());
    }

    async fn wait_for(&self, awaited: &Awaited) -> Result<(), Error> {
        match awaited {
            Awaited::Task(handle) => Err(Error::gone(format!("there is no task `{}`", handle.0))),
            Awaited::Ready { machine, ready, within } => {
                let (dir, wanted) = self.machine(machine)?;
                let (ready, within) = (*ready, *within);
                thread_result(on_thread(move || ready::wait(&dir, &wanted.spec, ready, within)).await)
            }
        }
    }
}

impl Platform for Local {
    fn describe(&self) -> Answer<'_, Description> {
        Box::pin(async { Ok(describe(&self.options, Way::Root)) })
    }

    fn observe<'a>(&'a self, owner: &'a Owner) -> Answer<'a, Observed> {
        Box::pin(async {
            let range = self.home.range(owner);
            let fabric = self.fabric(&range)?;
            if !range.exists()? {
                let rest = range.rest().map(|path| observe::of_range(&path));
                if rest.is_none() {
                    // A process that was killed right after it had removed the range leaves the directory above.
                    self.release(owner);
                }
                return Ok(Observed { leftovers: rest.into_iter().collect(), ..Observed::default() });
            }
            let mut observed = observe::observe(&range, fabric.as_ref()).await?;
            for machine in observed.machines.iter_mut().filter(|machine| machine.kind == MachineKind::Guest) {
                let guest = Guest::new(&self.options, owner, &machine.name);
                (machine.snapshots, machine.damage) = (guest.snapshots(), guest.damage());
            }
            Ok(observed)
        })
    }

    fn ensure<'a>(&'a self, owner: &'a Owner, wanted: &'a Wanted) -> Answer<'a, Ensured> {
        Box::pin(async move {
            let change = match wanted {
                Wanted::Network(network) => self.ensure_network(owner, network)?,
                Wanted::Machine(machine) => self.ensure_machine(owner, machine).await?,
                Wanted::Rules(router) => self.ensure_rules(owner, router).await?,
            };
            Ok(Ensured { change, progress: Progress::Done })
        })
    }

    fn power<'a>(&'a self, machine: &'a Thing, power: Power) -> Answer<'a, Progress> {
        Box::pin(self.switch(machine, power))
    }

    fn access<'a>(&'a self, machine: &'a Thing) -> Answer<'a, Access> {
        Box::pin(async move {
            let (dir, wanted) = self.machine(machine)?;
            let connect = connect_command(&self.options, machine);
            Ok(Access {
                address: ready::address(&wanted.spec),
                port: ready::SSH,
                user: if wanted.spec.kind == MachineKind::Guest { "root".to_owned() } else { bare::user() },
                host_keys: login::host_key(&dir).into_iter().collect(),
                connect,
            })
        })
    }

    fn snapshot<'a>(&'a self, machine: &'a Thing, action: &'a SnapshotAction) -> Answer<'a, Progress> {
        Box::pin(async move {
            let (dir, wanted) = self.machine(machine)?;
            if wanted.spec.kind != MachineKind::Guest {
                let kind = wanted.spec.kind;
                let what = format!("a machine of kind `{kind}` has no disk to take a snapshot of");
                return Err(Error::NotSupported { what });
            }
            let guest = Guest::new(&self.options, &machine.owner, &machine.name);
            let action = action.clone();
            thread_result(on_thread(move || guest.snapshot(&dir, &action)).await)?;
            Ok(Progress::Done)
        })
    }

    fn remove<'a>(&'a self, thing: &'a Thing) -> Answer<'a, Progress> {
        Box::pin(self.take_away(thing))
    }

    fn wait<'a>(&'a self, awaited: &'a Awaited) -> Answer<'a, ()> {
        Box::pin(self.wait_for(awaited))
    }
}

/// Does something to a machine while no other call does.
async fn locked<T: Send + 'static>(
    fabric: &Arc<Fabric>,
    dir: &MachineDir,
    act: impl FnOnce(&Fabric, &MachineDir) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (fabric, dir) = (Arc::clone(fabric), dir.clone());
    let result = on_thread(move || {
        let lock = fabric.lock(dir.name());
        let _held = lock.lock().unwrap_or_else(PoisonError::into_inner);
        act(&fabric, &dir)
    });
    thread_result(result.await)
}

fn thread_result<T>(result: io::Result<Result<T, Error>>) -> Result<T, Error> {
    result.unwrap_or_else(|error| Err(Error::retry(format!("cannot start a thread: {error}"))))
}
