//! A gate at which a run waits for its test.

use std::{fs, path::PathBuf};

use crate::app::TestApp;

/// A file that a playbook waits for: the run pauses until the test opens the gate.
pub struct Gate(PathBuf);

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new(app: &TestApp) -> Self {
        Self(app.home().join("gate"))
    }

    /// The path, for the playbook.
    ///
    /// # Panics
    ///
    /// If temporary directories have names that are no UTF-8.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }

    /// Lets the run continue.
    ///
    /// # Panics
    ///
    /// If the file cannot be written.
    pub fn open(&self) {
        fs::write(&self.0, "").expect("writable");
    }
}
