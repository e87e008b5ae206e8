//! Where machines live: the door to hypervisors and clouds.
//!
//! It knows no Ansible, no SQL, and no jobs: it gets addresses and credentials, and returns the responses of an API.

pub mod proxmox;
mod tls;

pub use tls::install_provider;
