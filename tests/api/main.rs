//! The service as users see it: the real program, real HTTP, real Ansible.
//!
//! Every test starts a service with its own port, directories, and database; see [`testkit`].

mod access;
mod background;
mod bundles;
mod catalog;
mod checkout;
mod content;
mod demo;
mod documents;
mod executor;
mod facts;
mod fuzz;
mod health;
mod init;
mod isolation;
mod jobs;
mod layouts;
mod nodes;
mod page;
mod progress;
mod proxmox;
mod range_content;
mod ranges;
mod readme;
mod restart;
mod resume;
mod runs;
mod secrets;
mod ssh;
mod streams;
mod surroundings;
mod truth;
mod v0;
mod ws_vm_status;
