//! Network namespaces: made, pinned to a file, entered by threads of their own, unpinned.
//!
//! A namespace lives as long as a process is in it or a file is mounted on it: its pin. A socket stays in the namespace in which it
//! was opened, so most work needs a thread there for a moment only.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::MetadataExt,
    },
    path::Path,
    thread,
};

use nix::sched::{CloneFlags, unshare};
use rustix::{
    fs::{FsWord, fstatfs},
    io::Errno,
    mount::{UnmountFlags, mount_bind, unmount},
    thread::{LinkNameSpaceType, move_into_link_name_space},
};

use super::netlink::Failure;

/// The file system of namespaces (`NSFS_MAGIC`).
const NSFS: FsWord = 0x6e73_6673;
const FORWARD: &str = "/proc/sys/net/ipv4/ip_forward";
const FORWARD_6: &str = "/proc/sys/net/ipv6/conf/all/forwarding";

/// An open network namespace.
#[derive(Debug)]
pub(in super::super) struct Namespace {
    file: File,
}

impl Namespace {
    /// Opens a pin; `None` if there is none.
    pub(in super::super) fn open(pin: &Path) -> Result<Option<Self>, Failure> {
        let failed = |error| Failure::new(format!("open the namespace `{}`", pin.display()), error);
        let file = match File::open(pin) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(failed)?,
        };
        // A file that nothing is mounted on was left between two steps.
        let is_pinned = fstatfs(&file).map_err(|error| failed(error.into()))?.f_type == NSFS;
        Ok(is_pinned.then_some(Self { file }))
    }

    /// The number that `/proc/PID/ns/net` shows, too.
    pub(in super::super) fn inode(&self) -> Result<u64, Failure> {
        self.file
            .metadata()
            .map(|found| found.ino())
            .map_err(|error| Failure::new("inspect a namespace", error))
    }

    /// The descriptor.
    pub(in super::super) fn fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Moves the calling thread there. The thread must not do anything else afterwards.
    pub(in super::super) fn enter(&self) -> Result<(), Failure> {
        move_into_link_name_space(self.fd(), Some(LinkNameSpaceType::Network))
            .map_err(|error| Failure::new("enter a network namespace", error))
    }
}

/// Is this a file on which a namespace is mounted?
pub(in super::super) fn is_pin(path: &Path) -> bool {
    Namespace::open(path).is_ok_and(|found| found.is_some())
}

/// Makes a namespace, leaves the calling thread in it, and pins it. The thread must not do anything else afterwards.
pub(in super::super) fn pin(path: &Path) -> Result<Namespace, Failure> {
    let failed = |what: &str, error: io::Error| Failure::new(format!("{what} `{}`", path.display()), error);
    // The file may be left of a call that was interrupted.
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|error| failed("make the file", error))?;
    unshare(CloneFlags::CLONE_NEWNET).map_err(|error| failed("make the namespace", error.into()))?;
    stop_forwarding().map_err(|error| failed("stop the forwarding in the namespace", error))?;
    mount_bind("/proc/thread-self/ns/net", path)
        .map_err(|error| failed("pin the namespace", error.into()))?;
    Namespace::open(path)?
        .ok_or_else(|| failed("open the namespace", io::Error::from(io::ErrorKind::NotFound)))
}

/// A new namespace forwards packets if this machine does, which an uplink requires.
fn stop_forwarding() -> io::Result<()> {
    for file in [FORWARD, FORWARD_6] {
        match fs::read_to_string(file) {
            Ok(value) if value.trim() != "0" => fs::write(file, "0")?,
            // A kernel without IPv6 has only one of them.
            _ => {}
        }
    }
    Ok(())
}

/// Removes a pin. The kernel removes the namespace with all its links once nothing uses it any more.
pub(in super::super) fn unpin(path: &Path) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::new(format!("remove the namespace `{}`", path.display()), error);
    // Interrupted calls may have mounted twice.
    while is_pin(path) {
        match unmount(path, UnmountFlags::DETACH) {
            Ok(()) | Err(Errno::INVAL | Errno::NOENT) => {}
            Err(error) => return Err(failed(error.into())),
        }
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        _ => Ok(()),
    }
}

/// Runs a function on a separate thread, which can enter namespaces, and waits for it.
pub(in super::super) async fn on_thread<T: Send + 'static>(
    act: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let (send, receive) = tokio::sync::oneshot::channel();
    thread::Builder::new().name("namespace".to_owned()).spawn(move || {
        // The caller may have been canceled: what was done is found by the next call.
        let _ = send.send(act());
    })?;
    receive.await.map_err(|_| io::Error::other("a thread ended early"))
}
