//! Jobs: submitted, waited for, canceled, retried, deleted.

pub(crate) mod cancel;
pub(crate) mod children;
mod delete;
mod fingerprint;
pub(crate) mod handle;
mod retry;
pub(crate) mod submit;
