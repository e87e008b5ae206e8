//! Keeps this process's memory to itself: it holds secrets.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// From now on nobody but root may look into this process, and neither it nor what it starts leaves a core behind.
///
/// A kernel that does not allow it is no reason not to start.
pub(crate) fn close() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    // Programs that are executed may be looked into again: only the limit goes on to them.
    let closed = setrlimit(Resource::Core, none).and(set_dumpable_behavior(DumpableBehavior::NotDumpable));
    if let Err(error) = closed {
        tracing::warn!(%error, "the memory of this process can be looked into by others of this user");
    }
}
