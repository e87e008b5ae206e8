//! The kernel's networks: namespaces, links, addresses, routes, and rules of nftables.
//!
//! Nothing here knows of ranges. All calls block; they are made on threads of their own, because a thread that entered a namespace
//! never serves anything else.

mod links;
mod namespace;
mod netlink;
mod nft;
mod routes;

pub(super) use links::{Link, Veth, bridge, delete, rename_alias, up, veth};
pub(super) use namespace::{Namespace, on_thread, pin, unpin};
pub(super) use netlink::{Failure, Netlink};
pub(super) use nft::{SYSTEM_PATH, flush, has_program, listing, nft};
pub(super) use routes::{address, neighbour, route};
