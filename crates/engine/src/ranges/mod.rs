//! Ranges: from a document to a stored plan, what exists of it, and what differs from that. `work/range/` carries plans out.

pub(crate) mod apply;
pub(crate) mod bundled;
pub(crate) mod drift;
pub(crate) mod error;
pub(crate) mod handle;
pub(crate) mod leases;
pub(crate) mod planning;
pub(crate) mod request;
pub(crate) mod router;
pub(crate) mod state;
pub(crate) mod verify;
