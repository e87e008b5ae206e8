//! This machine as a platform: networks are bridges of its kernel, machines are network namespaces with an SSH server, or guests of
//! `systemd-nspawn` with a system of their own.
//!
//! The bridges of a range are in a network namespace of their own, its fabric; each machine has a namespace, and a veth pair for each
//! of its interfaces leads from there to a bridge. Nothing appears in the namespace of this machine itself, and what is unpinned
//! disappears as a whole. As root, [`Local`] does that itself; ordinary users have [`Held`]; [`check()`] says which of them works here.
//! The kernel is the record: what there is is read from it, and every file here can be found missing.
//!
//! A machine of kind `namespace` sees the files of this machine under a layer of its own, without its devices, homes and the
//! directories that the options hide, and as root without the capabilities that lead outside. That keeps mistakes apart, not
//! attackers: who is to be kept out needs guests.

mod bare;
mod cgroup;
mod check;
mod connect_command;
mod console;
mod describe;
mod fabric;
mod guest;
mod holder;
mod home;
mod kernel;
mod login;
mod machine;
mod observe;
mod open;
mod options;
mod platform;
mod process;
pub mod program;
mod ready;
mod rules;
mod template;
mod uplink;

pub use check::{Check, Way, check, missing_for_guests, usable};
pub use holder::Held;
pub use open::open;
pub use options::Options;
pub use platform::Local;
pub use template::{BUILDABLE, build, templates};
