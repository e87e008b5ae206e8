//! The local platform, opened with its first call: to try what works on this machine takes time, and only those who use it should
//! wait. If it does not work, each call returns the reason, and after a while it is tried again.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::{sync::Mutex, time::Instant};

use super::{kernel::on_thread, open::open, options::Options};
use crate::{
    description::Description,
    error::Error,
    observed::{Observed, Power},
    owner::{Owner, Thing},
    platform::{Access, Answer, Awaited, Ensured, Platform, Progress, SnapshotAction},
    wanted::Wanted,
};

/// How long the reason for which the platform does not work is returned before it is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(30);

/// This machine as a platform, in the way that works, found out by the first call.
#[derive(Debug)]
pub struct Deferred {
    options: Options,
    opened: OnceLock<Arc<dyn Platform>>,
    failed: Mutex<Option<(Instant, Error)>>,
}

impl Deferred {
    /// The platform with these options. Nothing is tried yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, opened: OnceLock::new(), failed: Mutex::default() }
    }

    async fn platform(&self) -> Result<&dyn Platform, Error> {
        if let Some(opened) = self.opened.get() {
            return Ok(&**opened);
        }
        // One call at a time tries it; the others wait for the result.
        let mut failed = self.failed.lock().await;
        if let Some(opened) = self.opened.get() {
            return Ok(&**opened);
        }
        if let Some((since, error)) = &*failed
            && since.elapsed() < TRY_AGAIN
        {
            return Err(error.clone());
        }
        let options = self.options.clone();
        let opened = on_thread(move || open(options)).await;
        match opened.unwrap_or_else(|error| Err(Error::retry(format!("cannot start a thread: {error}")))) {
            Ok(opened) => Ok(&**self.opened.get_or_init(|| opened)),
            Err(error) => {
                *failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }
}

impl Platform for Deferred {
    fn describe(&self) -> Answer<'_, Description> {
        Box::pin(async { self.platform().await?.describe().await })
    }

    fn observe<'a>(&'a self, owner: &'a Owner) -> Answer<'a, Observed> {
        Box::pin(async move { self.platform().await?.observe(owner).await })
    }

    fn ensure<'a>(&'a self, owner: &'a Owner, wanted: &'a Wanted) -> Answer<'a, Ensured> {
        Box::pin(async move { self.platform().await?.ensure(owner, wanted).await })
    }

    fn power<'a>(&'a self, machine: &'a Thing, power: Power) -> Answer<'a, Progress> {
        Box::pin(async move { self.platform().await?.power(machine, power).await })
    }

    fn access<'a>(&'a self, machine: &'a Thing) -> Answer<'a, Access> {
        Box::pin(async move { self.platform().await?.access(machine).await })
    }

    fn snapshot<'a>(&'a self, machine: &'a Thing, action: &'a SnapshotAction) -> Answer<'a, Progress> {
        Box::pin(async move { self.platform().await?.snapshot(machine, action).await })
    }

    fn remove<'a>(&'a self, thing: &'a Thing) -> Answer<'a, Progress> {
        Box::pin(async move { self.platform().await?.remove(thing).await })
    }

    fn wait<'a>(&'a self, awaited: &'a Awaited) -> Answer<'a, ()> {
        Box::pin(async move { self.platform().await?.wait(awaited).await })
    }
}
