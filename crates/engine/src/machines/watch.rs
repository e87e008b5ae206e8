//! Watching the machines of a Proxmox node.
//!
//! ```text
//!  Proxmox <--every 5 s-- poller of (API host, node) --last poll--> watcher: changes since its last frame
//!                                                     '-----------> watcher
//! ```
//! There is one poller per API host and node, regardless of the number of watchers. It starts with the first
//! watcher and ends when the last one is dropped, even during a call. Watchers only see the latest poll: a slow
//! watcher misses polls but no changes, and nothing accumulates for it. [`Sent`] determines the changes for each
//! watcher.

use std::sync::{Arc, Weak};

use model::vm_status::{Frame, Sent, Vm, machines};
use platform::proxmox::Credentials;
use tokio::{
    sync::watch::{Receiver, Sender},
    time::{Instant, sleep},
};

use super::{
    error::ProxmoxError,
    handle::Machines,
    pollers::{PollResult, PollerKey},
};

impl Machines {
    /// Watches the machines of a node; without a node, of the default node.
    ///
    /// # Errors
    /// When there are no credentials.
    pub async fn watch(&self, node: Option<&str>) -> Result<VmWatching, ProxmoxError> {
        let credentials = self.credentials_to_watch(node).await?;
        let node = node.unwrap_or(&credentials.node).to_owned();
        let key = (credentials.api_host.clone(), node);
        let mut running = self.inner().pollers.running();
        let results = match running.get(&key).and_then(Weak::upgrade) {
            Some(running) => running.subscribe(),
            None => {
                let (sender, results) = tokio::sync::watch::channel(PollResult::default());
                let sender = Arc::new(sender);
                running.insert(key.clone(), Arc::downgrade(&sender));
                let polling = self.clone().poll(key, credentials, sender);
                match &self.inner().pollers.runtime {
                    Some(runtime) => runtime.spawn(polling),
                    None => tokio::spawn(polling),
                };
                results
            }
        };
        Ok(VmWatching { results, sent: Sent::default(), begun: Instant::now(), next: Next::Join })
    }

    /// The credentials of the node's host. If that host has no API, any API of the cluster is used.
    async fn credentials_to_watch(&self, node: Option<&str>) -> Result<Credentials, ProxmoxError> {
        match self.credentials(node).await {
            Err(ProxmoxError::NoCredentials) => self.credentials(None).await,
            found => found,
        }
    }

    /// Polls until there is no watcher.
    async fn poll(self, key: PollerKey, mut credentials: Credentials, results: Arc<Sender<PollResult>>) {
        let mut failing = false;
        loop {
            let result = tokio::select! {
                result = self.poll_machines(&credentials, &key.1) => result,
                () = results.closed() => if self.remove_if_unwatched(&key, &results) { return } else { continue },
            };
            log_change(&key, failing, &result);
            failing = result.is_err();
            results.send_modify(|last| match result {
                Ok(vms) => *last = PollResult { vms: Some(Arc::new(vms)), error: None },
                Err(error) => last.error = Some(error.in_full().into()),
            });
            tokio::select! {
                () = sleep(self.inner().options.poll_interval) => {}
                () = results.closed() => if self.remove_if_unwatched(&key, &results) { return },
            }
            // The token in the inventory may have changed.
            if let Ok(now) = self.credentials_to_watch(Some(&key.1)).await
                && now.api_host == key.0
            {
                credentials = now;
            }
        }
    }

    async fn poll_machines(&self, credentials: &Credentials, node: &str) -> Result<Vec<Vm>, ProxmoxError> {
        let node = self.node_with(credentials.clone(), node);
        let list = node.machine_values().await?.ok_or_else(|| node.no_list())?;
        Ok(machines(&list))
    }

    /// Removes a poller, unless a watcher has subscribed in the meantime.
    fn remove_if_unwatched(&self, key: &PollerKey, results: &Sender<PollResult>) -> bool {
        let mut running = self.inner().pollers.running();
        let has_none = results.receiver_count() == 0;
        if has_none {
            running.remove(key);
        }
        has_none
    }
}

/// Logs the first failed poll, and the first successful poll after failures.
fn log_change((host, node): &PollerKey, failing: bool, result: &Result<Vec<Vm>, ProxmoxError>) {
    match result {
        Err(error) if !failing => {
            let error = error.in_full();
            tracing::warn!(proxmox.host = host, proxmox.node = node, error, "machines cannot be watched");
        }
        Ok(_) if failing => {
            tracing::info!(proxmox.host = host, proxmox.node = node, "machines can be watched again");
        }
        Ok(_) | Err(_) => {}
    }
}

/// A client that watches machines.
#[derive(Debug)]
pub struct VmWatching {
    results: Receiver<PollResult>,
    sent: Sent,
    begun: Instant,
    next: Next,
}

/// The next step of a watcher.
#[derive(Debug)]
enum Next {
    /// Return the machines that are known already.
    Join,
    /// Return this frame.
    Frame(Frame),
    /// Wait for the next poll.
    Poll,
}

impl VmWatching {
    /// Waits for the next frame; returns `None` when there will be no more frames. Cancel safe: dropping the future
    /// loses nothing.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            let joins = match std::mem::replace(&mut self.next, Next::Poll) {
                Next::Frame(frame) => return Some(frame),
                Next::Join => true,
                Next::Poll => {
                    self.results.changed().await.ok()?;
                    false
                }
            };
            let PollResult { vms, error } = self.results.borrow_and_update().clone();
            let error = error.map(|error| Frame::Error { error: error.to_string() });
            // After a failed poll, the machines of the previous poll are new only to a watcher that has just
            // joined.
            let vms = vms.filter(|_| joins || error.is_none());
            let frame = vms.and_then(|vms| self.sent.frame(&vms, self.begun.elapsed()));
            match (frame, error) {
                (Some(frame), Some(error)) => {
                    self.next = Next::Frame(error);
                    return Some(frame);
                }
                (Some(frame), None) | (None, Some(frame)) => return Some(frame),
                (None, None) => {}
            }
        }
    }
}
