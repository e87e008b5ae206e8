//! The service as clients see it: the real program over real HTTP, without Ansible.
//!
//! Every test starts a service of its own; see [`testkit`]. None needs anything that `./test.sh` provides, so all of them are in the
//! profile `quick`. Where a job runs, a stand-in for ansible-runner runs it.

mod access;
mod bad_input;
mod children;
mod history;
mod queue;
mod retry;
