//! Ranges: their secrets, and their inventories.

pub(crate) mod inventory;
pub(crate) mod secrets;
mod ssh_key;
mod yaml;
