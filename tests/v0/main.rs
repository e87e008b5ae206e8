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
mod haproxy;
mod http;
mod matcher;
mod normalise;
mod pve;
mod replay;
mod service;
mod site;
mod two_apis;
mod websocket;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// How long anything may take before a test gives up on it: Ansible on a busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(180);
/// How long to wait between looks at a condition.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A file of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The venv's programs: `ansible-runner`, `ansible-vault`, `python`.
fn bin_dir() -> PathBuf {
    let directory = std::env::var_os("RANGEHAND_TEST_BIN_DIR");
    directory
        .map(PathBuf::from)
        .expect("RANGEHAND_TEST_BIN_DIR names the venv's bin directory: run ./test.sh")
}
