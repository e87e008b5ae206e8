//! Rangehand: an Ansible-driving job runner with an HTTP API.

pub mod app;
pub mod cli;
pub mod doctor;
mod hardening;
pub mod http;
pub mod renamed;
pub mod settings;
pub mod telemetry;
