//! The SQLite file of a service, for changes that no request can make.

use std::process::Command;

use crate::app::TestApp;

/// Executes a statement in the database of a service.
///
/// # Panics
///
/// If it fails.
pub fn sql(app: &TestApp, statement: &str) {
    let program = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], timeout=60); c.execute(sys.argv[2]); c.commit()";
    let file = app.home().join("var/rangehand.db");
    let output = Command::new("python3").args(["-c", program]).arg(file).arg(statement).output();
    let output = output.expect("python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
