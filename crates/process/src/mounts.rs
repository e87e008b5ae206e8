//! The mount namespace that a process creates before it executes another program: overlays, bind mounts, and read-only files.
//!
//! The process that becomes Ansible enters it itself, and all that it starts is in it; nothing else is. The kernel takes it
//! down with the last of them. Root makes the namespace directly, an ordinary user in a user namespace that knows no other
//! user. There nothing has the rights of its owner, so `sudo` cannot work in it.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::{fd::AsRawFd, unix::fs::OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::{
    fs::OFlags,
    mount::{
        MountFlags, MountPropagationFlags, mount, mount_bind, mount_bind_recursive, mount_change,
        mount_remount,
    },
    process::{getegid, geteuid},
    thread::UnshareFlags,
};
use serde::{Deserialize, Serialize};

/// What a run's own mount namespace is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Whether the namespace of mounts needs one of users.
    pub user_namespace: bool,
    /// The overlays.
    pub overlays: Vec<Overlay>,
    /// What is seen at another place, or again where an overlay would hide it; after the overlays.
    pub binds: Vec<Bind>,
}

/// An overlay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overlay {
    /// Where.
    pub target: PathBuf,
    /// Options of the mount, to be tried in this order.
    pub options: Vec<String>,
}

/// A file or directory that is seen at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bind {
    /// What.
    pub from: PathBuf,
    /// Where.
    pub to: PathBuf,
}

/// Puts this process, which must have one thread only, into the view.
///
/// # Errors
/// When the system does not allow it. Then the process may be in it in part, and must end.
pub(crate) fn enter(view: &View) -> io::Result<()> {
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    let flags = if view.user_namespace { UnshareFlags::NEWUSER } else { UnshareFlags::empty() };
    unshare(flags | UnshareFlags::NEWNS)?;
    if view.user_namespace {
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
        fs::write("/proc/self/gid_map", format!("{group} {group} 1"))?;
    }
    mount_change("/", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC)?;
    // Found before they are hidden.
    let open = |bind: &Bind| {
        let flags = i32::try_from(OFlags::PATH.bits()).unwrap_or_default();
        OpenOptions::new()
            .read(true)
            .custom_flags(flags)
            .open(&bind.from)
            .map_err(|error| at(&bind.from, &error))
    };
    let found = view.binds.iter().map(open).collect::<io::Result<Vec<File>>>()?;
    for overlay in &view.overlays {
        mount_overlay(overlay).map_err(|error| at(&overlay.target, &error))?;
    }
    for (bind, file) in view.binds.iter().zip(found) {
        put(&file, &bind.to).map_err(|error| at(&bind.to, &error))?;
    }
    Ok(())
}

/// Makes files read-only for this process, which must be single-threaded, in its mount namespace, or in a new one if it has none
/// of its own.
///
/// # Errors
/// When the system does not allow it.
pub(crate) fn protect(paths: &[PathBuf], has_namespace: bool) -> io::Result<()> {
    if !has_namespace {
        unshare(UnshareFlags::NEWNS)?;
        mount_change("/", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC)?;
    }
    for path in paths {
        let path = path.canonicalize()?;
        mount_bind(&path, &path)?;
        let flags = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
        mount_remount(&path, flags, "")?;
    }
    Ok(())
}

#[expect(deprecated, reason = "what it warns of is another flag: descriptors are not unshared here")]
fn unshare(flags: UnshareFlags) -> io::Result<()> {
    Ok(rustix::thread::unshare(flags)?)
}

fn mount_overlay(overlay: &Overlay) -> io::Result<()> {
    let mut result = Err(rustix::io::Errno::INVAL);
    for options in &overlay.options {
        let data = std::ffi::CString::new(options.as_str())?;
        result = mount("overlay", &overlay.target, "overlay", MountFlags::empty(), Some(data.as_c_str()));
        if result.is_ok() {
            break;
        }
    }
    Ok(result?)
}

fn put(file: &File, to: &Path) -> io::Result<()> {
    if file.metadata()?.is_dir() {
        fs::create_dir_all(to)?;
    } else if !to.exists() {
        to.parent().map_or(Ok(()), fs::create_dir_all)?;
        File::create(to)?;
    }
    Ok(mount_bind_recursive(format!("/proc/self/fd/{}", file.as_raw_fd()), to)?)
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
