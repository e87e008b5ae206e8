//! Shows a run its content at the owner's path: an overlay over it, in a mount namespace of the run.
//!
//! ```text
//! lower   what the owner has (a snapshot), below what earlier runs left in persistent paths
//! upper   what this run writes
//! ```
//! The process that becomes Ansible enters the view itself: [`process::mounts`].

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use process::{
    confine::{self, Confinement},
    mounts::{Bind, Overlay, View},
    untrusted::remove_tree,
};
use rustix::process::geteuid;
use serde::{Deserialize, Serialize};

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

/// The directories of an overlay.
#[derive(Debug)]
pub(crate) struct Layers<'a> {
    /// The topmost first.
    pub(crate) lower: Vec<&'a Path>,
    pub(crate) upper: &'a Path,
    pub(crate) work: &'a Path,
}

impl Layers<'_> {
    /// The overlay of them at `target`; `None` when a path has a character that separates options.
    pub(crate) fn overlay(&self, target: &Path, way: Way) -> Option<Overlay> {
        let text = |path: &Path| {
            path.to_str().filter(|text| !text.contains([',', ':', '\\', '"'])).map(str::to_owned)
        };
        let lower: Option<Vec<String>> = self.lower.iter().map(|path| text(path)).collect();
        let directories = format!(
            "lowerdir={},upperdir={},workdir={}",
            lower?.join(":"),
            text(self.upper)?,
            text(self.work)?
        );
        let options = match way {
            // Independent of the kernel's defaults: a file of the upper layer has all its content, and its real path.
            Way::Overlay => {
                vec![format!("{directories},metacopy=off,redirect_dir=off,index=off"), directories]
            }
            // The second is for file systems without attributes of users.
            Way::UserOverlay | Way::Copy => vec![format!("{directories},userxattr"), directories],
        };
        Some(Overlay { target: text(target).map(PathBuf::from)?, options })
    }
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

/// Mounts a view in a separate process, and unmounts it.
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
    let overlay = layers
        .overlay(&target, way)
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

/// Checks whether this view works.
///
/// # Errors
/// The error of the system.
pub fn try_out(view: &View) -> io::Result<()> {
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

/// Copies the files of a directory. Returns whether there are any.
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
