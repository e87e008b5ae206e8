//! Platforms through their trait: one conformance suite for all of them, and what only one of them does.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue should say where")]

mod conformance;
mod drive;
mod guest;
mod interrupted;
mod lab;
mod local;
mod proxmox;
mod proxmox_site;
mod simulated;
mod ssh;
mod uplink;
mod user;
