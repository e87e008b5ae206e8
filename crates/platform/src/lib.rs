//! Where machines live: the door to hypervisors and clouds.
//!
//! It knows no Ansible, no SQL and no jobs: it is given addresses and credentials, it gives what an API answered.

pub mod proxmox;
mod tls;

pub use tls::install_provider;
