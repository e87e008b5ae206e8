//! The state directory: its lock, and the name of the node.

use std::{
    fs::{DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use rustix::{fs::FlockOperation, io::Errno};
use uuid::Uuid;

use super::error::Error;

/// Locks the state directory. Two services that share one would treat each other's runs as lost.
pub(super) fn lock(state: &Path) -> Result<File, Error> {
    let locked = || {
        DirBuilder::new().recursive(true).mode(0o700).create(state)?;
        let lock = File::options().create(true).append(true).mode(0o600).open(state.join("lock"))?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(lock),
            Err(Errno::WOULDBLOCK) => Err(io::Error::other("another service is using it")),
            Err(error) => Err(error.into()),
        }
    };
    locked().map_err(|source: io::Error| Error::State { path: state.display().to_string(), source })
}

/// Whether the previous service ran since the machine was booted. If so, the kernel has everything that it wrote,
/// however it ended. Also records the current boot for the next service.
pub(super) fn is_same_boot(state: &Path) -> io::Result<bool> {
    let Some(boot) = process::boot_id() else { return Ok(false) };
    let path = state.join("boot");
    match std::fs::read_to_string(&path) {
        Ok(before) if before == boot => Ok(true),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => std::fs::write(&path, &boot).map(|()| false),
    }
}

/// The name of this node among those that share its store. It is generated once and stored in the state directory.
pub(super) fn node_name(state: &Path) -> io::Result<String> {
    let path = state.join("node");
    match std::fs::read_to_string(&path) {
        Ok(name) if !name.trim().is_empty() => Ok(name.trim().to_owned()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => {
            let name = Uuid::now_v7().to_string();
            std::fs::write(&path, &name)?;
            Ok(name)
        }
    }
}
