//! Ranges: from a document to a stored plan, and what exists of it. `work/range/` carries plans out.

pub(crate) mod apply;
pub(crate) mod error;
pub(crate) mod handle;
pub(crate) mod leases;
pub(crate) mod planning;
pub(crate) mod request;
pub(crate) mod state;
