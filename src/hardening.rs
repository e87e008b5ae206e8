//! Protects the memory of this process, which contains secrets.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// From now on, only root can read the memory of this process, and neither this process nor its children write core dumps.
///
/// If the kernel refuses, the process starts anyway.
pub(crate) fn disable_core_dumps_and_ptrace() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    // Only the limit is inherited: the memory of executed programs is readable again.
    let hardened = setrlimit(Resource::Core, none).and(set_dumpable_behavior(DumpableBehavior::NotDumpable));
    if let Err(error) = hardened {
        tracing::warn!(%error, "other processes of this user can read the memory of this process");
    }
}
