//! Calls of the platform: reads, and changes that wait while something is locked.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use reqwest::Method;
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep};

use super::{
    client::Client,
    credentials::Credentials,
    failure::{class, is_lock},
    reads::Node,
};
use crate::error::Error;

/// How long a change waits while its thing is locked. Proxmox itself waits for ten seconds.
const LOCK_WAIT: Duration = Duration::from_secs(20);
/// The first and the longest pause before a locked thing is tried again.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(3));

/// The API of one cluster.
#[derive(Debug, Clone)]
pub(super) struct Api {
    client: Arc<Client>,
    credentials: Credentials,
}

impl Api {
    pub(super) const fn new(client: Arc<Client>, credentials: Credentials) -> Self {
        Self { client, credentials }
    }

    /// The typed reads of a node.
    pub(super) fn node(&self, name: &str) -> Node {
        Node::new(Arc::clone(&self.client), self.credentials.clone(), name.to_owned())
    }

    /// Reads a path below `/api2/json`.
    pub(super) async fn get(&self, path: &str) -> Result<Value, Error> {
        Ok(self.whole(path, &[]).await?.remove("data").unwrap_or_default())
    }

    /// Reads a list of objects.
    pub(super) async fn list(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<Value>, Error> {
        match self.whole(path, query).await?.remove("data") {
            Some(Value::Array(items)) => Ok(items),
            _ => Ok(Vec::new()),
        }
    }

    /// Reads a path, and returns what is next to its data, too.
    pub(super) async fn whole(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Map<String, Value>, Error> {
        let parts: Vec<&str> = path.split('/').collect();
        let answer = self.client.send(Method::GET, &self.credentials, &parts, query).await;
        answer.map_err(|error| class(error, false))
    }

    pub(super) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Result<Value, Error> {
        self.change(Method::POST, path, form).await
    }

    pub(super) async fn put(&self, path: &str, form: &[(&str, &str)]) -> Result<Value, Error> {
        self.change(Method::PUT, path, form).await
    }

    pub(super) async fn delete(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Error> {
        self.change(Method::DELETE, path, query).await
    }

    /// A change. While its thing is locked, it is repeated: a rejected change had no effect.
    async fn change(&self, method: Method, path: &str, parameters: &[(&str, &str)]) -> Result<Value, Error> {
        let parts: Vec<&str> = path.split('/').collect();
        let (begun, mut pause) = (Instant::now(), PAUSE.0);
        loop {
            let answer = self.client.send(method.clone(), &self.credentials, &parts, parameters).await;
            match answer.map_err(|error| class(error, true)) {
                // The configuration must be read again.
                Err(Error::Retry { what, after })
                    if is_lock(&what) && !what.contains("checksum") && begun.elapsed() < LOCK_WAIT =>
                {
                    sleep(jittered(pause.min(after.unwrap_or(pause)))).await;
                    pause = (pause * 2).min(PAUSE.1);
                }
                answer => return Ok(answer?.remove("data").unwrap_or_default()),
            }
        }
    }
}

/// Between half and all of a pause, so that callers that wait for one lock do not come back together.
pub(super) fn jittered(pause: Duration) -> Duration {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.subsec_nanos());
    pause / 2 + pause.mul_f64(f64::from(nanos % 1000) / 2000.0)
}
