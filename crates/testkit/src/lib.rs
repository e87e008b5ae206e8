//! Helpers for the tests of Rangehand: services, databases, labs, and handles for jobs.
//!
//! Only tests use this crate, and it uses no other crate of Rangehand.
//!
//! # Write a test
//!
//! A test of behavior starts a service, sends requests over HTTP, and compares replies. Its name is the fact that it proves:
//!
//! ```text
//! #[tokio::test]
//! async fn a_bundle_prints_its_variable() {
//!     let app = TestApp::new();
//!     let job = app.run(&json!({"bundle": "echo", "extra_vars": {"text": "hello"}})).await;
//!     assert_eq!(job["state"], "succeeded", "{job:#}");
//!     assert_eq!(job.results().await["text"], json!(["hello"]));
//! }
//! ```
//!
//! - [`TestApp`] is the built program with a port, directories, and a database of its own. When it is dropped, it is stopped, and
//!   the test fails if a job, a directory, a secret, or a process remains. [`Setup`] changes settings and files before the start.
//!   [`Setup::without_ansible`] starts a service in a few milliseconds whose jobs run no Ansible.
//! - [`Client::submit`] and [`Client::run`] return a [`Job`]: its JSON as it was last read (`job["state"]`), and methods that
//!   wait for it, cancel it, or read its events, results, and log.
//! - A test never sleeps. It waits for a condition with [`until`], or holds a run at a [`Gate`] until it has seen what it wants.
//! - [`Postgres`], [`Guest`], [`ssh_lab`], [`Simulator`], [`FakePve`], [`Gateway`], and [`Browser`] are real programs and servers.
//!   Each is ended when it is dropped.
//!
//! # The environment of tests
//!
//! `./test.sh` installs and starts everything and names it in variables `RANGEHAND_TEST_...`, which [`surroundings`] reads. Tests
//! in the binary `http`, unlike those in `api`, need none of them.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

pub mod access;
mod app;
mod browser;
mod client;
mod devtools;
mod fake_pve;
mod files;
mod gate;
mod gateway;
mod guest;
pub mod http;
mod job;
mod postgres;
pub mod processes;
pub mod pve;
mod runs;
mod setup;
mod simulator;
mod sqlite;
pub mod ssh_lab;
pub mod surroundings;
mod template;
mod tls;
mod wait;
pub mod websocket;
mod worker;

pub use app::TestApp;
pub use browser::{Browser, Page};
pub use client::Client;
pub use devtools::Inspected;
pub use fake_pve::{Call, FakePve};
pub use files::{copy, generated_secret};
pub use gate::Gate;
pub use gateway::Gateway;
pub use guest::{Guest, quoted};
pub use job::Job;
pub use postgres::Postgres;
pub use processes::{processes_with, processes_with_environment};
pub use runs::runs_in;
pub use setup::Setup;
pub use simulator::Simulator;
pub use sqlite::sql;
pub use surroundings::{bin_dir, fixtures, program, repository};
pub use template::template;
pub use tls::tls;
pub use wait::{POLL, WAIT_LIMIT, until, until_async};
pub use worker::Worker;
