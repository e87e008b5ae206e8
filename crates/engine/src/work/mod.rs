//! Work on jobs: what differs by kind of work, and the worker that is the same for all kinds.

pub(crate) mod claimed;
pub(crate) mod contract;
pub(crate) mod playbook;
pub(crate) mod range;
pub(crate) mod recovery;
pub(crate) mod registry;
pub(crate) mod worker;
