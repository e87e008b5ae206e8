//! Why an activation failed.

use crate::error::JobError;

/// Why an activation failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Something cannot be done with jobs.
    #[error(transparent)]
    Job(#[from] JobError),
    /// Some items failed and were skipped. Each is in the log.
    #[error("{failed} of {all} failed, the first one: {first}")]
    Items {
        /// How many failed.
        failed: u64,
        /// How many there were.
        all: u64,
        /// Why the first one failed.
        first: String,
    },
    /// A file cannot be used.
    #[error("a file could not be used")]
    Io(#[from] std::io::Error),
    /// The activation panicked.
    #[error("the activation panicked; the log has the message")]
    Panicked,
}

/// The results of the items of an activation: one that fails doesn't keep the others from being tried.
#[derive(Debug, Default)]
pub(crate) struct Items {
    done: u64,
    failed: u64,
    first: Option<String>,
}

impl Items {
    /// An item was processed.
    pub(crate) const fn done(&mut self) {
        self.done += 1;
    }

    /// An item failed; the caller has logged it.
    pub(crate) fn failed(&mut self, error: &dyn std::error::Error) {
        self.failed += 1;
        self.first.get_or_insert_with(|| error.to_string());
    }

    /// How many were processed.
    ///
    /// # Errors
    /// When one failed.
    pub(crate) fn result(self) -> Result<u64, TaskError> {
        match self.first {
            None => Ok(self.done),
            Some(first) => Err(TaskError::Items { failed: self.failed, all: self.done + self.failed, first }),
        }
    }
}
