//! The service as clients see it: the real program over real HTTP, without Ansible.
//!
//! Every test starts a service; see [`testkit`]. None needs anything that `./test.sh` provides, so all of them are in the
//! profile `quick`. Jobs run with a replacement for ansible-runner.

mod access;
mod bad_input;
mod children;
mod history;
mod ldo;
mod queue;
mod ranges;
mod retry;
