//! Events of a run: from the output of Ansible to what is stored and reported.
//!
//! ```text
//! bytes --stream--> lines of ansible-runner --event--> drafts --spool--> on disk --follow--> the service
//!                                                         '----extract--> findings --diagnose--> reason
//! ```

pub(crate) mod complaints;
pub(crate) mod details;
pub(crate) mod diagnose;
pub mod event;
pub mod extract;
mod failure_text;
pub(crate) mod follow;
mod json_lines;
pub(crate) mod prompts;
mod shown;
pub mod spool;
pub mod stream;
pub(crate) mod work;

pub use follow::{Follower, Progress};
