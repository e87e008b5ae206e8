//! Jobs: submit, wait, cancel, retry, delete.

pub(crate) mod cancel;
pub(crate) mod children;
mod delete;
mod fingerprint;
pub(crate) mod handle;
mod retry;
pub(crate) mod submit;
