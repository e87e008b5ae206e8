//! The recorded cases of the service that v0 replaces, replayed against Rangehand through a gateway.
//!
//! `tests/fixtures/v0/` contains the cases, the deviations (intended differences in replies), and the sites where they were
//! recorded. A test replays the cases of one file and one site. It has its own fake Proxmox, service, and gateway, and reports
//! every case that differs, not only the first.

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
const WAIT_LIMIT: Duration = Duration::from_secs(180);
