//! Watching the machines of a Proxmox node.
//!
//! ```text
//!  Proxmox <--every 5 s-- poller of (API host, node) --last look--> watcher: what is new to this one
//!                                                     '-----------> watcher
//! ```
//! There is one poller per API host and node, however many watch; it begins with the first watcher and ends when the
//! last one is dropped, even in the middle of a call. Watchers are given the last look only: a slow one misses looks,
//! never changes, and nothing piles up for it. What is new to whom is [`Sent`]'s business.

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
    pollers::{Look, Place},
};

impl Machines {
    /// Watches the machines of a node, by default that of the inventory.
    ///
    /// # Errors
    /// When there are no credentials.
    pub async fn watch(&self, node: Option<&str>) -> Result<VmWatching, ProxmoxError> {
        let credentials = self.credentials_to_watch(node).await?;
        let node = node.unwrap_or(&credentials.node).to_owned();
        let place = (credentials.api_host.clone(), node);
        let mut running = self.inner().pollers.running();
        let looks = match running.get(&place).and_then(Weak::upgrade) {
            Some(running) => running.subscribe(),
            None => {
                let (sender, looks) = tokio::sync::watch::channel(Look::default());
                let sender = Arc::new(sender);
                running.insert(place.clone(), Arc::downgrade(&sender));
                let polling = self.clone().poll(place, credentials, sender);
                match &self.inner().pollers.runtime {
                    Some(runtime) => runtime.spawn(polling),
                    None => tokio::spawn(polling),
                };
                looks
            }
        };
        Ok(VmWatching { looks, told: Sent::default(), begun: Instant::now(), next: Next::Join })
    }

    /// Those of the node's host; where that host has no API of its own, any API of the cluster will do.
    async fn credentials_to_watch(&self, node: Option<&str>) -> Result<Credentials, ProxmoxError> {
        match self.credentials(node).await {
            Err(ProxmoxError::NoCredentials) => self.credentials(None).await,
            found => found,
        }
    }

    /// Polls until there is no watcher.
    async fn poll(self, place: Place, mut credentials: Credentials, looks: Arc<Sender<Look>>) {
        let mut failing = false;
        loop {
            let look = tokio::select! {
                look = self.look(&credentials, &place.1) => look,
                () = looks.closed() => if self.has_no_watcher(&place, &looks) { return } else { continue },
            };
            note(&place, failing, &look);
            failing = look.is_err();
            looks.send_modify(|last| match look {
                Ok(vms) => *last = Look { vms: Some(Arc::new(vms)), error: None },
                Err(error) => last.error = Some(error.in_full().into()),
            });
            tokio::select! {
                () = sleep(self.inner().options.poll_interval) => {}
                () = looks.closed() => if self.has_no_watcher(&place, &looks) { return },
            }
            // A token may have been changed in the inventory meanwhile.
            if let Ok(now) = self.credentials_to_watch(Some(&place.1)).await
                && now.api_host == place.0
            {
                credentials = now;
            }
        }
    }

    async fn look(&self, credentials: &Credentials, node: &str) -> Result<Vec<Vm>, ProxmoxError> {
        let node = self.node_with(credentials.clone(), node);
        let list = node.machine_values().await?.ok_or_else(|| node.no_list())?;
        Ok(machines(&list))
    }

    /// Removes the poller of a place, unless a watcher came in the last moment.
    fn has_no_watcher(&self, place: &Place, looks: &Sender<Look>) -> bool {
        let mut running = self.inner().pollers.running();
        let has_none = looks.receiver_count() == 0;
        if has_none {
            running.remove(place);
        }
        has_none
    }
}

/// Tells once that looks begin to fail, and once that they no longer do.
fn note((host, node): &Place, failing: bool, look: &Result<Vec<Vm>, ProxmoxError>) {
    match look {
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

/// A client that watches.
#[derive(Debug)]
pub struct VmWatching {
    looks: Receiver<Look>,
    told: Sent,
    begun: Instant,
    next: Next,
}

/// What comes next for a watcher.
#[derive(Debug)]
enum Next {
    /// What is known already.
    Join,
    /// This.
    Frame(Frame),
    /// The next look.
    Look,
}

impl VmWatching {
    /// What is new, as soon as there is something; `None` when there will be nothing any more. Dropping the future
    /// loses nothing.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            let joins = match std::mem::replace(&mut self.next, Next::Look) {
                Next::Frame(frame) => return Some(frame),
                Next::Join => true,
                Next::Look => {
                    self.looks.changed().await.ok()?;
                    false
                }
            };
            let Look { vms, error } = self.looks.borrow_and_update().clone();
            let error = error.map(|error| Frame::Error { error: error.to_string() });
            // When a look fails, the one before is news only to who comes just now.
            let vms = vms.filter(|_| joins || error.is_none());
            let frame = vms.and_then(|vms| self.told.frame(&vms, self.begun.elapsed()));
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
