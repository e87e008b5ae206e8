//! Fork servers: processes that import Ansible once for many runs.
//!
//! ```text
//! service --start--> fork server (Python, imports Ansible) --fork--> supervisor --start request--> its child, forked too
//! ```
//! A fork server is tied to one Python and one environment, because Ansible reads its settings while it is imported. It
//! runs no playbook itself. It forks an idle supervisor, which executes the Rangehand program, with a child that waits with
//! Ansible imported; both exist before a run needs them. So every run has the same kind of supervisor, and the process that
//! runs Ansible is its child. After any failure here, the supervisor starts ansible-runner instead.

mod child;
mod interpreter;
mod message;
mod program;
pub(crate) mod sandbox;
mod server;
mod servers;

pub(crate) use child::{Assignment, NotStarted, Request, Started, Waiting};
pub(crate) use interpreter::Interpreter;
pub use servers::ForkServers;
