//! Proxmox VE 8 and 9 by its API: `https://HOST/api2/json/...`, with an API token.
//!
//! A thin client: one call, one answer. Nothing is retried and no meaning is given to what comes back.

mod address;
mod answer;
mod client;
mod credentials;
mod error;

pub use client::{Client, Options};
pub use credentials::Credentials;
pub use error::Error;
