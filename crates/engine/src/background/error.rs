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

/// The results of the items of an activation. An item that fails does not prevent the others from being processed.
#[derive(Debug, Default)]
pub(crate) struct Items {
    done: u64,
    failed: u64,
    first: Option<String>,
}

impl Items {
    /// Counts an item as processed.
    pub(crate) const fn done(&mut self) {
        self.done += 1;
    }

    /// Counts an item as failed; the caller has logged the error.
    pub(crate) fn failed(&mut self, error: &dyn std::error::Error) {
        self.failed += 1;
        self.first.get_or_insert_with(|| error.to_string());
    }

    /// How many items were processed.
    ///
    /// # Errors
    /// When at least one item failed.
    pub(crate) fn result(self) -> Result<u64, TaskError> {
        match self.first {
            None => Ok(self.done),
            Some(first) => Err(TaskError::Items { failed: self.failed, all: self.done + self.failed, first }),
        }
    }
}
