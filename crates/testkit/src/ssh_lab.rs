//! Three hosts over real SSH with host-key checking, which `tests/lab/ssh.sh` creates.

use std::{collections::BTreeMap, fs, path::PathBuf};

use crate::{
    setup::Setup,
    surroundings::{SSH_LAB, needed},
};

/// The names of the hosts.
pub const HOSTS: [&str; 3] = ["lab-1", "lab-2", "lab-3"];
/// The inventories of the lab: one with the hosts, and one with a wrong key of the first host.
const INVENTORIES: [&str; 2] = ["lab.yml", "lab_wrong_key.yml"];

/// The directory of the lab.
///
/// # Panics
///
/// If `./test.sh` has not named it.
#[must_use]
pub fn directory() -> PathBuf {
    needed(SSH_LAB)
}

/// Addresses and ports of the hosts, as `LAB_1_ADDRESS`, `LAB_1_PORT`, and so on.
///
/// # Panics
///
/// If the lab is down.
#[must_use]
pub fn places() -> BTreeMap<String, String> {
    let text = fs::read_to_string(directory().join("hosts.env")).expect("the lab is up");
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The text of an inventory of the lab.
///
/// # Panics
///
/// If the lab is down.
#[must_use]
pub fn inventory(name: &str) -> String {
    fs::read_to_string(directory().join("inventory").join(name)).expect("the lab is up")
}

/// A service that has the inventories `lab` and `lab_wrong_key`.
#[must_use]
pub fn with_inventories(setup: Setup) -> Setup {
    for name in INVENTORIES {
        setup.write(&format!("inventory/{name}"), &inventory(name));
    }
    setup
}
