//! The recorded cases of the service that v0 replaces, replayed against ours through a gateway.
//!
//! `tests/fixtures/v0/` holds the cases, the deviations (answers that ours gives on purpose instead) and the sites
//! that they were recorded at. A test takes the cases of one file and one site; it has a fake Proxmox, a service
//! and a gateway of its own, and names every case that differs, not only the first.

mod case;
mod cases;
mod conversation;
mod direct;
mod gateway;
mod matcher;
mod normalise;
mod replay;
mod service;
mod site;
mod two_apis;
mod websocket;

use std::time::Duration;

/// How long anything may take before a test gives up on it: Ansible on a busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(180);
