//! The local platform for ordinary users: a small process, the holder, lives in a user namespace with namespaces of its own for
//! networks, mounts and processes, and is the local platform there. Others reach it through a socket; connections to machines are
//! passed out as open sockets.
//!
//! Everything that a user has ends with the holder. It ends itself when there is no range any more.

mod client;
mod server;
mod start;
mod wire;

pub use client::Held;
pub(super) use client::fetch_connection;
pub(super) use server::hold;
pub(super) use start::{namespaces, socket};
