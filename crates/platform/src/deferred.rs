//! A platform that is opened by its first call: opening can take time or fail, and a service must start nevertheless. If it fails,
//! each call returns the reason, and after a while the next call tries again.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::{sync::Mutex, task::spawn_blocking, time::Instant};

use crate::{
    description::Description,
    error::Error,
    observed::{Observed, Power},
    owner::{Owner, Thing},
    platform::{Access, Answer, Awaited, Ensured, Platform, Progress, SnapshotAction},
    wanted::Wanted,
};

/// How long the reason of a failure is returned before the next try.
const TRY_AGAIN: Duration = Duration::from_secs(30);

/// Opens a platform, or returns why it doesn't work.
type Open = dyn Fn() -> Result<Arc<dyn Platform>, Error> + Send + Sync;

/// A platform that is opened by its first call.
pub struct Deferred {
    open: Arc<Open>,
    opened: OnceLock<Arc<dyn Platform>>,
    failed: Mutex<Option<(Instant, Error)>>,
}

impl Deferred {
    /// The platform that this function opens, which can block. Nothing is called yet.
    #[must_use]
    pub fn new(open: impl Fn() -> Result<Arc<dyn Platform>, Error> + Send + Sync + 'static) -> Self {
        Self { open: Arc::new(open), opened: OnceLock::new(), failed: Mutex::default() }
    }

    async fn platform(&self) -> Result<&dyn Platform, Error> {
        if let Some(opened) = self.opened.get() {
            return Ok(&**opened);
        }
        // One call at a time opens it; the others wait for the result.
        let mut failed = self.failed.lock().await;
        if let Some(opened) = self.opened.get() {
            return Ok(&**opened);
        }
        if let Some((since, error)) = &*failed
            && since.elapsed() < TRY_AGAIN
        {
            return Err(error.clone());
        }
        let open = Arc::clone(&self.open);
        let opened = spawn_blocking(move || open()).await;
        match opened.unwrap_or_else(|error| Err(Error::retry(format!("cannot open the platform: {error}")))) {
            Ok(opened) => Ok(&**self.opened.get_or_init(|| opened)),
            Err(error) => {
                *failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }
}

impl fmt::Debug for Deferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deferred").field("opened", &self.opened).finish_non_exhaustive()
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::simulated::{Options, Simulated};

    #[tokio::test(start_paused = true)]
    async fn a_platform_that_fails_to_open_returns_the_reason_and_is_tried_again_later() {
        let tries = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&tries);
        let deferred = Deferred::new(move || match counted.fetch_add(1, Ordering::SeqCst) {
            0 => Err(Error::refused("`nft` is missing")),
            _ => Ok(Arc::new(Simulated::open(Options::default()).expect("without a file"))),
        });
        assert_eq!(tries.load(Ordering::SeqCst), 0, "nothing is tried before the first call");
        for _ in 0..2 {
            let failed = deferred.describe().await.expect_err("it does not work yet");
            assert_eq!(failed.to_string(), "`nft` is missing");
        }
        assert_eq!(tries.load(Ordering::SeqCst), 1);
        tokio::time::advance(TRY_AGAIN).await;
        deferred.describe().await.expect("it works now");
        deferred.describe().await.expect("it stays open");
        assert_eq!(tries.load(Ordering::SeqCst), 2);
    }
}
