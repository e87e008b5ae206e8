//! A fingerprint of what a task runs: it differs where the task would run again.

use sha2::{Digest as _, Sha256};

use crate::expand::spec::TaskSpec;

/// Bytes of the hash that are kept.
const BYTES: usize = 16;

/// A hash of the content and the variables of a task, in hexadecimal.
pub(super) fn of_task(task: &TaskSpec) -> String {
    let what = (task.kind, &task.content, &task.vars, &task.variables);
    let written = serde_json::to_vec(&what);
    debug_assert!(written.is_ok(), "a task is plain data: {written:?}");
    let hash = Sha256::digest(written.unwrap_or_default());
    hash.iter().take(BYTES).map(|byte| format!("{byte:02x}")).collect()
}
