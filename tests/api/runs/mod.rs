//! What a run of Ansible does and leaves, and what it must not, with real playbooks.

mod content;
mod directory;
mod environment;
mod events;
mod snapshot;
mod tree;
mod values;
