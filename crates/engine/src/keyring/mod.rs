//! The keys of this node, and what is encrypted with them.

pub(crate) mod error;
pub(crate) mod file;
pub(crate) mod handle;
pub(crate) mod rotation;
mod seal;

#[cfg(test)]
mod tests;
