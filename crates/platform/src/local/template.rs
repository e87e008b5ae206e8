//! Templates of guests: a root directory, or an archive of one that is unpacked once.

use std::{
    ffi::OsStr,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use sha2::{Digest, Sha256};

use super::{
    kernel::{Failure, SYSTEM_PATH},
    options::Options,
};
use crate::error::Error;

/// What every guest needs beside a minimal system: a first process, an SSH server, and what Ansible's modules use.
const PACKAGES: &str = "systemd,systemd-sysv,dbus,openssh-server,python3-apt,sudo,iproute2,ca-certificates";

/// Templates that can be built: their names and suites.
pub const BUILDABLE: [(&str, &str); 4] = [
    ("debian-12", "bookworm"),
    ("debian-13", "trixie"),
    ("ubuntu-22.04", "jammy"),
    ("ubuntu-24.04", "noble"),
];

/// Builds the template with this name as a directory that does not exist yet. It takes minutes, and needs root privileges. Without a
/// mirror the packages come from the one that `debootstrap` has for the suite.
///
/// # Errors
/// If the name is unknown, the directory exists, or `debootstrap` fails.
pub fn build(name: &str, directory: &Path, mirror: Option<&str>) -> Result<(), Error> {
    let Some((_, suite)) = BUILDABLE.iter().find(|(known, _)| *known == name) else {
        let known: Vec<_> = BUILDABLE.iter().map(|(name, _)| *name).collect();
        return Err(Error::refused(format!("unknown template `{name}`: use {}", known.join(", "))));
    };
    if directory.exists() {
        return Err(Error::refused(format!("`{}` exists already", directory.display())));
    }
    let components = if name.starts_with("ubuntu") { "main,universe" } else { "main" };
    let new = beside(directory);
    let _ = fs::remove_dir_all(&new);
    // In namespaces of its own, so that nothing is left mounted or running when it is interrupted.
    let script = "set -eu
debootstrap --variant=minbase --include=\"$1\" --components=\"$2\" \"$3\" \"$4\" ${5:+\"$5\"}
rm -rf \"$4\"/var/cache/apt/archives/*.deb \"$4\"/var/lib/apt/lists/* \"$4\"/etc/ssh/ssh_host_*
: >\"$4/etc/machine-id\"";
    let output = Command::new("unshare")
        .args([
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            script,
            "sh",
            PACKAGES,
            components,
            suite,
        ])
        .arg(&new)
        .arg(mirror.unwrap_or_default())
        .env("PATH", SYSTEM_PATH)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::new(format!("build the template `{name}`"), error))?;
    if !output.status.success() {
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        let last: Vec<&str> = text.lines().rev().take(3).collect();
        let _ = fs::remove_dir_all(&new);
        let what = format!("debootstrap cannot build the template `{name}`: {}", last.join("; "));
        return Err(Error::refused_with(what, "apt-get install debootstrap; the mirror must be reachable"));
    }
    Ok(fs::rename(&new, directory)
        .map_err(|error| Failure::new(format!("make `{}`", directory.display()), error))?)
}

/// The root directory of a template; an archive is unpacked when it is used for the first time, and again after it changed.
pub(super) fn root(options: &Options, name: &str) -> Result<PathBuf, Error> {
    let Some(path) = options.templates.get(name) else {
        let known: Vec<_> = options.templates.keys().map(String::as_str).collect();
        let what = format!("unknown template `{name}`: use {}", known.join(", "));
        return Err(Error::refused_with(what, "`rangehand template build` makes one"));
    };
    let failed = |error: io::Error| {
        Error::refused(format!("the template `{name}` cannot be used: `{}`: {error}", path.display()))
    };
    let found = fs::metadata(path).map_err(failed)?;
    if found.is_dir() {
        return Ok(path.clone());
    }
    let stamp =
        format!("{} {} {}", path.display(), found.len(), found.mtime_nsec() + found.mtime() * 1_000_000_000);
    let stamp: String = Sha256::digest(stamp)[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let root = options.state.join("templates").join(format!("{name}-{stamp}"));
    if !root.is_dir() {
        unpack(path, &root).map_err(failed)?;
    }
    Ok(root)
}

fn unpack(archive: &Path, root: &Path) -> io::Result<()> {
    let new = beside(root).with_extension(format!("{}", std::process::id()));
    let _ = fs::remove_dir_all(&new);
    fs::create_dir_all(&new)?;
    let output = Command::new("tar")
        .args(["--extract", "--numeric-owner", "--xattrs", "--file"])
        .arg(archive)
        .arg("--directory")
        .arg(&new)
        .env("PATH", SYSTEM_PATH)
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        let _ = fs::remove_dir_all(&new);
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    // Another call may have been faster.
    if fs::rename(&new, root).is_err() && root.is_dir() {
        fs::remove_dir_all(&new)?;
    }
    Ok(())
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or(OsStr::new("template")).to_string_lossy();
    path.with_file_name(format!(".{name}.part"))
}
