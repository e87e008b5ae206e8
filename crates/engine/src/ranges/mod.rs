//! Ranges: their secrets.

pub(crate) mod secrets;
mod ssh_key;
