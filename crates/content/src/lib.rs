//! Ansible content on disk: finds it, looks into it, and gives runs a view of it.
//!
//! It knows playbooks, inventories, roles, vaults and configuration, and how Ansible looks for them. Where programs of Ansible
//! are needed to look into content, they are executed confined. It doesn't know runs, nor their events.

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
