//! Ansible content on disk: finds it, inspects it, and prepares a view of it for each run.
//!
//! This crate knows playbooks, inventories, roles, vaults, and configuration, and the search paths of Ansible. Inspections that
//! need programs of Ansible execute them confined. It doesn't know runs or their events.

pub mod bundled;
pub mod catalog;
mod configuration;
pub mod inspector;
pub mod inventory;
mod search_path;
pub mod shipped;
pub mod snapshots;
mod source;
mod toolchain;
pub mod vault;

pub use catalog::Catalog;
pub use configuration::Configuration;
pub use inspector::Inspector;
pub use inventory::Inventory;
pub use search_path::SearchPath;
pub use source::{Source, Tree};
pub use toolchain::{Toolchain, private_places};
