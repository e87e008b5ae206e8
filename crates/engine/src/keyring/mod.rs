//! The encryption keys of this node, and the secrets that they encrypt.

pub(crate) mod error;
pub(crate) mod file;
pub(crate) mod handle;
pub(crate) mod rotation;
mod seal;

#[cfg(test)]
mod tests;
