//! Ranges: from a document to a stored plan, what exists of it, what differs from that, its secrets, and its inventory.
//! `work/range/` carries plans out.

pub(crate) mod act;
pub(crate) mod apply;
pub(crate) mod bundled;
pub(crate) mod drift;
pub(crate) mod durations;
pub(crate) mod error;
pub(crate) mod handle;
mod inventory;
pub(crate) mod leases;
pub(crate) mod planning;
pub(crate) mod request;
pub(crate) mod router;
pub(crate) mod run_inventory;
pub(crate) mod secrets;
mod ssh_key;
pub(crate) mod state;
pub(crate) mod values;
pub(crate) mod verify;
mod yaml;
