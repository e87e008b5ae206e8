//! How a run sees its content at the owner's own path: an overlay over it, in a mount namespace of the run.
//!
//! ```text
//! lower   what the owner has (a snapshot), below what earlier runs left in persistent paths
//! upper   what this run writes
//! ```
//! The process that becomes Ansible enters the view itself, and all that it starts is in it; nothing else is. The kernel takes
//! it down with the last of them. Root makes the namespace directly, an ordinary user in a user namespace that
//! knows no other user. There nothing has the rights of its owner, so `sudo` cannot work in it.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::{fd::AsRawFd, unix::fs::OpenOptionsExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
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

use crate::{
    confine::{self, Confinement},
    untrusted::remove_tree,
};

/// How runs get their content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// An overlay, mounted by root.
    Overlay,
    /// An overlay, mounted in a user namespace.
    UserOverlay,
    /// A copy for each run.
    #[default]
    Copy,
}

/// Which way a setting wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// The best that there is.
    #[default]
    Auto,
    /// An overlay; a copy only where there is none.
    Overlay,
    /// A copy.
    Copy,
}

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

/// The directories of an overlay.
#[derive(Debug)]
pub(crate) struct Layers<'a> {
    /// The topmost first.
    pub(crate) lower: Vec<&'a Path>,
    pub(crate) upper: &'a Path,
    pub(crate) work: &'a Path,
}

impl Overlay {
    /// `None` when a path has a character that separates options.
    pub(crate) fn new(target: &Path, layers: &Layers<'_>, way: Way) -> Option<Self> {
        let text = |path: &Path| {
            path.to_str().filter(|text| !text.contains([',', ':', '\\', '"'])).map(str::to_owned)
        };
        let lower: Option<Vec<String>> = layers.lower.iter().map(|path| text(path)).collect();
        let directories = format!(
            "lowerdir={},upperdir={},workdir={}",
            lower?.join(":"),
            text(layers.upper)?,
            text(layers.work)?
        );
        let options = match way {
            // Whatever the kernel's defaults: a file of the upper layer has all its content, and is where it seems to be.
            Way::Overlay => {
                vec![format!("{directories},metacopy=off,redirect_dir=off,index=off"), directories]
            }
            // The second is for file systems without attributes of users.
            Way::UserOverlay | Way::Copy => vec![format!("{directories},userxattr"), directories],
        };
        Some(Self { target: text(target).map(PathBuf::from)?, options })
    }
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

/// Has this process, which must have one thread only, see files read-only, although they may be written elsewhere. In the
/// mount namespace that it has, if it has one of its own.
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

/// Which way there is here, and why not a better one.
///
/// `state` and `runtime` are where snapshots and what runs write will be.
#[must_use]
pub fn offered(
    choice: Choice,
    state: &Path,
    runtime: &Path,
    no_new_privileges: bool,
) -> (Way, Option<String>) {
    if choice == Choice::Copy {
        return (Way::Copy, Some("`runs.content` selects a copy".to_owned()));
    }
    let way = if geteuid().is_root() { Way::Overlay } else { Way::UserOverlay };
    if way == Way::UserOverlay && !no_new_privileges {
        let why =
            "`runs.no_new_privileges` is off, and programs such as `sudo` do not work in a user namespace";
        return (Way::Copy, Some(why.to_owned()));
    }
    match probe(way, state, runtime) {
        Ok(()) => (way, None),
        Err(error) => (Way::Copy, Some(format!("an overlay cannot be mounted: {error}"))),
    }
}

/// Mounts one, in a process of its own, and lets it go.
fn probe(way: Way, state: &Path, runtime: &Path) -> io::Result<()> {
    let (below, above) = (tempfile::tempdir_in(state)?.keep(), tempfile::tempdir_in(runtime)?.keep());
    let tried = try_between(way, &below, &above);
    // An overlay leaves a directory in which its owner may do nothing.
    remove_tree(&below).and(remove_tree(&above)).and(tried)
}

fn try_between(way: Way, below: &Path, above: &Path) -> io::Result<()> {
    let [lower, target] = ["lower", "target"].map(|name| below.join(name));
    let [upper, work] = ["upper", "work"].map(|name| above.join(name));
    for directory in [&lower, &target, &upper, &work] {
        fs::create_dir(directory)?;
    }
    let layers = Layers { lower: vec![&lower], upper: &upper, work: &work };
    let overlay = Overlay::new(&target, &layers, way)
        .ok_or_else(|| io::Error::other("a path has a comma, a colon or a backslash"))?;
    try_out(&View { user_namespace: way == Way::UserOverlay, overlays: vec![overlay], binds: Vec::new() })
}

/// Does the file system of this directory share blocks between files?
#[must_use]
pub fn shares_blocks(directory: &Path) -> bool {
    let shared = || {
        let (mut from, to) = (tempfile::tempfile_in(directory)?, tempfile::tempfile_in(directory)?);
        io::Write::write_all(&mut from, &[0; 4096])?;
        rustix::fs::ioctl_ficlone(&to, &from).map_err(io::Error::from)
    };
    shared().is_ok()
}

/// Can this view be had?
///
/// # Errors
/// Why not, as the system says it.
pub(crate) fn try_out(view: &View) -> io::Result<()> {
    let confinement = Confinement { view: Some(view.clone()), ..Confinement::default() };
    let mut command: Command = confine::command(&confinement, Path::new("/bin/true"))?;
    let output = command.env_clear().current_dir("/").stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no reason was given");
    Err(io::Error::other(said.to_owned()))
}

/// Files of the system that OpenSSH refuses where the user namespace does not know their owner: copies of them, made in
/// `directory`, to be seen in their place.
pub(crate) fn for_ssh(directory: &Path) -> io::Result<Vec<Bind>> {
    let mut binds = Vec::new();
    for (number, path) in SSH.iter().map(Path::new).enumerate() {
        let copy = directory.join(number.to_string());
        let copied = if path.is_dir() {
            copy_files(path, &copy)?
        } else if path.is_file() {
            fs::create_dir_all(directory)?;
            fs::copy(path, &copy).is_ok()
        } else {
            false
        };
        if copied {
            binds.push(Bind { from: copy, to: path.to_owned() });
        }
    }
    Ok(binds)
}

/// What the system's configuration of SSH includes.
const SSH: [&str; 2] = ["/etc/ssh/ssh_config.d", "/etc/crypto-policies/back-ends/openssh.config"];

/// Copies the files of a directory; says whether there are any.
fn copy_files(from: &Path, to: &Path) -> io::Result<bool> {
    let mut any = false;
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        if entry.path().is_file() {
            fs::create_dir_all(to)?;
            any |= fs::copy(entry.path(), to.join(entry.file_name())).is_ok();
        }
    }
    Ok(any)
}
