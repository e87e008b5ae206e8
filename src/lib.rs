//! Rangehand: an Ansible-driving job runner with an HTTP API.

pub mod app;
pub mod cli;
pub mod doctor;
pub mod http;
pub mod settings;
pub mod telemetry;
