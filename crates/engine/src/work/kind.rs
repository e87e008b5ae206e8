//! The kinds of work, as a word without the work itself.

use model::Work;

/// A kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Runs Ansible under a supervisor.
    Playbook,
}

impl Kind {
    /// The kind of this work.
    pub(crate) const fn of(work: &Work) -> Self {
        match work {
            Work::Playbook(_) => Self::Playbook,
        }
    }
}
