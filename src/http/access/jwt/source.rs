//! Reads the issuer's keys from a file or a URL, and caches them.
//!
//! Keys are read again when they are old, and immediately when a token names an unknown key, for example after a
//! key rotation, but at most once every few seconds. While the issuer does not respond, the cached keys remain
//! valid.

use std::{
    path::PathBuf,
    sync::{Arc, RwLock},
    time::{Duration, Instant},
};

use tokio::sync::Mutex;

use super::key::{BadKeys, Keys};

/// Minimum time between two attempts to read keys.
const MIN_GAP: Duration = Duration::from_secs(5);
/// Timeout of a request to the issuer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum size of a JWKS, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// The location of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyLocation {
    /// A file.
    File(PathBuf),
    /// A URL.
    Address(String),
}

/// Why keys cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("the file with the keys of the issuer cannot be read")]
    File(#[from] std::io::Error),
    /// The request to the issuer failed.
    #[error("the keys of the issuer cannot be fetched")]
    Fetch(#[from] reqwest::Error),
    /// The response is longer than 1 MiB.
    #[error("what the issuer sent is too long")]
    TooLong,
    /// The response contains no usable keys.
    #[error("the keys of the issuer cannot be used: {0}")]
    Bad(String),
}

/// The cached keys; clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Source(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    place: KeyLocation,
    refresh: Duration,
    client: reqwest::Client,
    known: RwLock<Option<CachedKeys>>,
    /// Time of the last attempt. Locked during an attempt.
    tried: Mutex<Option<Instant>>,
}

#[derive(Debug, Clone)]
struct CachedKeys {
    keys: Arc<Keys>,
    since: Instant,
}

impl Source {
    pub(crate) fn new(place: KeyLocation, refresh: Duration) -> Result<Self, Error> {
        platform::install_provider();
        // A redirect could lead to a host that is not configured.
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let inner = Inner { place, refresh, client, known: RwLock::default(), tried: Mutex::default() };
        Ok(Self(Arc::new(inner)))
    }

    /// The keys for verifying a token that names the key with this ID; `None` until keys have been loaded.
    pub(crate) async fn keys(&self, id: Option<&str>) -> Option<Arc<Keys>> {
        let known = self.known();
        let is_good =
            |known: &CachedKeys| known.since.elapsed() < self.0.refresh && known.keys.find(id).is_some();
        if let Some(known) = known.as_ref().filter(|known| is_good(known)) {
            return Some(Arc::clone(&known.keys));
        }
        self.refresh_keys(known.is_some()).await;
        self.known().map(|known| known.keys)
    }

    fn known(&self) -> Option<CachedKeys> {
        self.0.known.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    async fn refresh_keys(&self, some_are_known: bool) {
        // If there are cached keys, even old ones, do not wait for a concurrent attempt.
        let mut tried = match self.0.tried.try_lock() {
            Ok(tried) => tried,
            Err(_) if some_are_known => return,
            Err(_) => self.0.tried.lock().await,
        };
        if tried.is_some_and(|at| at.elapsed() < MIN_GAP) {
            return;
        }
        *tried = Some(Instant::now());
        if let Err(error) = self.load().await {
            let mut text = error.to_string();
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                text = format!("{text}: {cause}");
                source = cause.source();
            }
            tracing::warn!(error = text, "the keys of the issuer were not renewed");
        }
    }

    /// Reads the keys.
    ///
    /// # Errors
    /// When the keys cannot be loaded. The cached keys are kept.
    pub(crate) async fn load(&self) -> Result<(), Error> {
        let text = match &self.0.place {
            KeyLocation::File(path) => tokio::fs::read_to_string(path).await?,
            KeyLocation::Address(address) => self.fetch(address).await?,
        };
        let keys = Keys::parse(&text).map_err(|error: BadKeys| Error::Bad(error.to_string()))?;
        tracing::info!(keys = keys.len(), "keys of the issuer read");
        let known = CachedKeys { keys: Arc::new(keys), since: Instant::now() };
        *self.0.known.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(known);
        Ok(())
    }

    async fn fetch(&self, address: &str) -> Result<String, Error> {
        let mut response = self.0.client.get(address).send().await?.error_for_status()?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_BYTES {
                return Err(Error::TooLong);
            }
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}
