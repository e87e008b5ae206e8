//! Machines of kind `guest`: a system with systemd as its first process, from a template, by `systemd-nspawn`.
//!
//! Its own files are a layer over the template, kept below the state directory. Its network namespace is that which every machine
//! has: interfaces, addresses and routes are there before it boots.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use super::{
    cgroup,
    home::MachineDir,
    kernel::{Failure, SYSTEM_PATH},
    login,
    options::Options,
    process, template,
};
use crate::{
    error::Error,
    observed::Power,
    owner::{Owner, ThingKind},
    platform::SnapshotAction,
    wanted::MachineWanted,
};

const SCRIPT: &str = include_str!("guest.sh");
const NAMESPACES: [&str; 6] = ["--mount", "--pid", "--fork", "--kill-child", "--propagation", "slave"];
/// How long a guest may take to shut down before it is ended.
pub(super) const SHUTDOWN: Duration = Duration::from_secs(20);
/// Memory of a guest where neither document nor template says anything, in MiB.
const USUAL_MEMORY_MB: u32 = 1_024;
/// The id of the machine: empty in the template, so that each guest makes its own.
const MACHINE_ID: &str = "etc/machine-id";
/// The layer of the guest, and what the kernel needs beside it.
const UPPER: &str = "upper";
const WORK: &str = "work";
/// The layer before a snapshot is restored, while it is replaced.
const FORMER: &str = ".former";

/// The files of a guest.
#[derive(Debug)]
pub(super) struct Guest {
    owner: Owner,
    name: String,
    path: PathBuf,
}

impl Guest {
    pub(super) fn new(options: &Options, owner: &Owner, name: &str) -> Self {
        let path = options.guests_dir().join(owner.service()).join(owner.range()).join(name);
        Self { owner: owner.clone(), name: name.to_owned(), path }
    }

    /// The name on this machine, of its control groups, too.
    fn id(&self) -> String {
        let [a, b, c, d, e, f, ..] = self.owner.fingerprint(&format!("guest {}", self.name));
        format!("rangehand-{a:02x}{b:02x}{c:02x}{d:02x}{e:02x}{f:02x}")
    }

    /// Boots the guest; the calling thread is in its network namespace.
    pub(super) fn start(
        &self,
        dir: &MachineDir,
        wanted: &MachineWanted,
        options: &Options,
    ) -> Result<(), Error> {
        let spec = &wanted.spec;
        let template = spec.template.as_deref().unwrap_or_default();
        let lower = template::root(options, template)?;
        login::make_host_key(dir)?;
        let failed = |error| Failure::new(format!("prepare the files of guest `{}`", self.name), error);
        self.seed(dir, wanted, &lower).map_err(failed)?;
        let groups = cgroup::make(&self.id(), spec.memory_mb.unwrap_or(USUAL_MEMORY_MB));
        let groups: Vec<String> = groups.iter().map(|group| group.display().to_string()).collect();
        let mut arguments: Vec<OsString> = vec![
            dir.path().into(),
            self.id().into(),
            lower.into(),
            self.path.clone().into(),
            dir.net().into(),
            groups.join(" ").into(),
        ];
        if !cgroup::is_managed() {
            arguments.push("--keep-unit".into());
        }
        process::launch(dir, &NAMESPACES, SCRIPT, &arguments)
    }

    /// Makes the directories for the files of the guest be there. Were files lost? Then the guest, which still runs without them, ends.
    pub(super) fn ensure_files(&self, dir: &MachineDir) -> Result<bool, Error> {
        let is_lost = dir.wanted()?.is_some() && self.damage().is_some();
        if is_lost {
            process::stop(dir, Duration::ZERO)?;
        }
        for part in [UPPER, WORK] {
            let path = self.path.join(part);
            fs::create_dir_all(&path)
                .map_err(|error| Failure::new(format!("make `{}`", path.display()), error))?;
        }
        Ok(is_lost)
    }

    /// What was lost of the guest, if its files are not there any more.
    pub(super) fn damage(&self) -> Option<String> {
        let upper = self.path.join(UPPER);
        (!upper.is_dir()).then(|| format!("its files in `{}` no longer exist", self.path.display()))
    }

    /// Removes the files and groups of the guest. Its processes have ended.
    pub(super) fn remove(&self) -> Result<(), Error> {
        cgroup::remove(&self.id()).map_err(|error| {
            Failure::new(format!("remove the control groups of guest `{}`", self.name), error)
        })?;
        let failed = |error| Failure::new(format!("remove `{}`", self.path.display()), error);
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error).into()),
            _ => {}
        }
        // The directories of the range and the service, when they are empty.
        for above in self.path.ancestors().skip(1).take(2) {
            let _ = fs::remove_dir(above);
        }
        Ok(())
    }

    /// The snapshots, by name.
    pub(super) fn snapshots(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path.join("snapshots")).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.retain(|name| !name.starts_with('.'));
        names.sort();
        names
    }

    /// Takes, restores or removes a snapshot: a copy of the layer of the guest, which is not running meanwhile.
    pub(super) fn snapshot(&self, dir: &MachineDir, action: &SnapshotAction) -> Result<(), Error> {
        let (SnapshotAction::Take(name) | SnapshotAction::Revert(name) | SnapshotAction::Remove(name)) =
            action;
        let is_valid = (1..=100).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            && !name.starts_with('.');
        if !is_valid {
            let what = format!("`{}` is not a valid name of a snapshot", name.escape_debug());
            return Err(Error::refused_with(what, "use up to 100 letters, digits, `-`, `_` and `.`"));
        }
        let snapshot = self.path.join("snapshots").join(name);
        let machine = self.owner.thing(ThingKind::Machine, &self.name);
        let failed = |error| Failure::new(format!("keep or restore the files of {machine}"), error);
        if let SnapshotAction::Remove(_) = action {
            return match fs::remove_dir_all(&snapshot) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error).into()),
                _ => Ok(()),
            };
        }
        if process::power(dir) == Power::On {
            return Err(Error::refused_with(
                format!("{machine} is running: its files would not fit each other"),
                "stop it first",
            ));
        }
        let upper = self.path.join(UPPER);
        match action {
            SnapshotAction::Take(_) if snapshot.exists() => Ok(()),
            SnapshotAction::Take(_) => {
                fs::create_dir_all(&upper).map_err(failed)?;
                Ok(copy(&upper, &snapshot).map_err(failed)?)
            }
            _ if !snapshot.exists() => Err(Error::gone(format!("{machine} has no snapshot `{name}`"))),
            _ => {
                let (work, former) = (self.path.join(WORK), self.path.join(FORMER));
                let replace = || {
                    let _ = fs::remove_dir_all(&former);
                    let new = copy_beside(&snapshot, &upper)?;
                    if upper.exists() {
                        fs::rename(&upper, &former)?;
                    }
                    fs::rename(new, &upper)?;
                    let _ = fs::remove_dir_all(&work);
                    fs::remove_dir_all(&former)
                };
                Ok(replace().map_err(failed)?)
            }
        }
    }

    /// Puts names and keys into the layer of the guest. What the guest changed itself stays, except for these.
    fn seed(&self, dir: &MachineDir, wanted: &MachineWanted, lower: &Path) -> io::Result<()> {
        let upper = self.path.join(UPPER);
        for path in [&upper, &self.path.join(WORK), &dir.file("root")] {
            fs::create_dir_all(path)?;
        }
        // A directory of the layer has the rights of that below it, or the guest would have others.
        let make = |name: &str| -> io::Result<PathBuf> {
            let mut path = upper.clone();
            let mut below = lower.to_owned();
            for part in Path::new(name) {
                path.push(part);
                below.push(part);
                if !path.is_dir() {
                    fs::create_dir(&path)?;
                    let mode = fs::metadata(&below).map_or(0o700, |found| found.permissions().mode());
                    fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
                }
            }
            Ok(path)
        };
        fs::set_permissions(&upper, fs::metadata(lower)?.permissions())?;
        let etc = make("etc")?;
        fs::write(etc.join("hostname"), format!("{}\n", self.name))?;
        fs::write(etc.join("hosts"), format!("127.0.0.1 localhost\n127.0.1.1 {}\n", self.name))?;
        if !upper.join(MACHINE_ID).exists() {
            fs::write(upper.join(MACHINE_ID), "")?;
        }
        let ssh = make("etc/ssh")?;
        for (name, mode) in [("host_key", 0o600), ("host_key.pub", 0o644)] {
            let path = ssh.join(name.replace("host_key", "ssh_host_ed25519_key"));
            fs::write(&path, fs::read(dir.file(name))?)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
        }
        let keys = make("root/.ssh")?.join("authorized_keys");
        fs::write(&keys, login::authorized_keys(wanted))?;
        fs::set_permissions(&keys, fs::Permissions::from_mode(0o600))
    }
}

/// Copies a layer, in one step.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(copy_beside(from, to)?, to)
}

/// Copies a layer with everything that belongs to its files, to a hidden name beside its place.
fn copy_beside(from: &Path, to: &Path) -> io::Result<PathBuf> {
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    let new = to.with_file_name(format!(".{name}.part"));
    let _ = fs::remove_dir_all(&new);
    if let Some(above) = to.parent() {
        fs::create_dir_all(above)?;
    }
    let output = Command::new("cp")
        .args(["--archive", "--reflink=auto", "--"])
        .args([from, &new])
        .env("PATH", SYSTEM_PATH)
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    Ok(new)
}
