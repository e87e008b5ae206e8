//! The door to Ansible.
//!
//! It is given names and values and gives events and an outcome; it knows no HTTP, no SQL and no jobs.

pub mod catalog;
pub mod toolchain;

pub use catalog::Catalog;
pub use toolchain::Toolchain;
