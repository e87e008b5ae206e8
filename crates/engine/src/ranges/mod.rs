//! Ranges: what differs between the records and the platform, verification by packets, and rules by Ansible.

pub(crate) mod bundled;
pub(crate) mod drift;
pub(crate) mod router;
pub(crate) mod verify;
