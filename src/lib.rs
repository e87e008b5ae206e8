//! Rangehand: an Ansible-driving job runner with an HTTP API.

pub mod app;
pub mod cli;
pub mod doctor;
pub mod http;
mod own_memory;
pub mod renamed;
pub mod settings;
pub mod telemetry;
