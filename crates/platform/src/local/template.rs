//! Templates of guests: a root directory, or an archive of one that is unpacked once.

use std::{
    collections::{BTreeMap, VecDeque},
    ffi::OsStr,
    fs,
    io::{self, BufRead, BufReader},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use sha2::{Digest, Sha256};

use super::{
    kernel::{Failure, SYSTEM_PATH, has_program},
    options::Options,
};
use crate::error::Error;

/// What every guest needs beside a minimal system: a first process, an SSH server, what Ansible's modules and routers use, and tools
/// for the network.
const PACKAGES: &str = "systemd,systemd-sysv,dbus,openssh-server,python3-apt,sudo,iproute2,iputils-ping,\
                        nftables,procps,ca-certificates";

/// Templates that can be built: their names and suites.
pub const BUILDABLE: [(&str, &str); 4] = [
    ("debian-12", "bookworm"),
    ("debian-13", "trixie"),
    ("ubuntu-22.04", "jammy"),
    ("ubuntu-24.04", "noble"),
];

/// Endings of archives.
const ARCHIVES: [&str; 6] = [".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.zst", ".tar.bz2"];
/// Lines of a failed build that are shown.
const LAST_LINES: usize = 3;

/// All templates by name: those in the directory of templates, and those that the options name, which have precedence.
#[must_use]
pub fn templates(options: &Options) -> BTreeMap<String, PathBuf> {
    let entries = fs::read_dir(options.templates_dir()).into_iter().flatten().flatten();
    let named = entries.filter_map(|entry| {
        let path = entry.path();
        let name = path.file_name()?.to_str()?.to_owned();
        let ending = ARCHIVES.iter().find(|ending| name.ends_with(*ending) && path.is_file());
        let template = match ending {
            Some(ending) => name.strip_suffix(ending)?.to_owned(),
            None if path.is_dir() => name,
            None => return None,
        };
        (!template.is_empty() && !template.starts_with('.')).then_some((template, path))
    });
    let mut templates: BTreeMap<String, PathBuf> = named.collect();
    templates.extend(options.templates.clone());
    templates
}

/// Builds the template with this name as a directory that does not exist yet. It takes minutes, and needs root privileges. Without a
/// mirror the packages come from the one that `debootstrap` has for the suite. Each line that it prints is passed to `progress`.
///
/// # Errors
/// If the name is unknown, the directory exists, or `debootstrap` is missing or fails.
pub fn build(
    name: &str,
    directory: &Path,
    mirror: Option<&str>,
    progress: &mut dyn FnMut(&str),
) -> Result<(), Error> {
    let Some((_, suite)) = BUILDABLE.iter().find(|(known, _)| *known == name) else {
        let known: Vec<_> = BUILDABLE.iter().map(|(name, _)| *name).collect();
        return Err(Error::refused(format!("unknown template `{name}`: use {}", known.join(", "))));
    };
    if directory.exists() {
        let what = format!("`{}` exists already", directory.display());
        return Err(Error::refused_with(what, "remove it to build the template again"));
    }
    if !rustix::process::geteuid().is_root() {
        let what = "building a template requires the rights of root";
        return Err(Error::refused_with(what, "run the command as root, for example with `sudo`"));
    }
    if !has_program("debootstrap") {
        return Err(Error::refused_with(
            "the program `debootstrap` is missing",
            "install it (Debian: apt-get install debootstrap)",
        ));
    }
    let failed = |error: io::Error| Failure::new(format!("build the template `{name}`"), error);
    let new = beside(directory);
    if let Some(above) = directory.parent() {
        fs::create_dir_all(above).map_err(failed)?;
    }
    let _ = fs::remove_dir_all(&new);
    let components = if name.starts_with("ubuntu") { "main,universe" } else { "main" };
    if let Err(last) = debootstrap(&[PACKAGES, components, suite], &new, mirror, progress).map_err(failed)? {
        let _ = fs::remove_dir_all(&new);
        let what = format!("debootstrap cannot build the template `{name}`: {}", last.join("; "));
        return Err(Error::refused_with(what, "check that the mirror has this release and can be reached"));
    }
    Ok(fs::rename(&new, directory)
        .map_err(|error| Failure::new(format!("make `{}`", directory.display()), error))?)
}

/// Builds a root directory; its last lines if it fails.
fn debootstrap(
    words: &[&str],
    root: &Path,
    mirror: Option<&str>,
    progress: &mut dyn FnMut(&str),
) -> io::Result<Result<(), Vec<String>>> {
    // In namespaces of its own, so that nothing is left mounted or running when it is interrupted.
    let script = "set -eu
exec 2>&1
debootstrap --variant=minbase --include=\"$1\" --components=\"$2\" \"$3\" \"$4\" ${5:+\"$5\"}
rm -rf \"$4\"/var/cache/apt/archives/*.deb \"$4\"/var/lib/apt/lists/* \"$4\"/etc/ssh/ssh_host_*
: >\"$4/etc/machine-id\"";
    let mut child = Command::new("unshare")
        .args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, "sh"])
        .args(words)
        .arg(root)
        .arg(mirror.unwrap_or_default())
        .env("PATH", SYSTEM_PATH)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut last = VecDeque::new();
    for line in child.stdout.take().into_iter().flat_map(|stdout| BufReader::new(stdout).split(b'\n')) {
        let line = String::from_utf8_lossy(&line?).trim_end().to_owned();
        progress(&line);
        last.push_back(line);
        if last.len() > LAST_LINES {
            last.pop_front();
        }
    }
    Ok(if child.wait()?.success() { Ok(()) } else { Err(last.into()) })
}

/// The root directory of a template; an archive is unpacked when it is used for the first time, and again after it changed.
pub(super) fn root(options: &Options, name: &str) -> Result<PathBuf, Error> {
    let mut templates = templates(options);
    let Some(path) = templates.remove(name) else {
        let known: Vec<_> = templates.keys().map(String::as_str).collect();
        let what = if known.is_empty() {
            format!("unknown template `{name}`: there are no templates")
        } else {
            format!("unknown template `{name}`: use {}", known.join(", "))
        };
        return Err(Error::refused_with(what, "`rangehand template build` makes one"));
    };
    let failed = |error: io::Error| {
        Error::refused(format!("the template `{name}` cannot be used: `{}`: {error}", path.display()))
    };
    let found = fs::metadata(&path).map_err(failed)?;
    if found.is_dir() {
        return Ok(path);
    }
    let stamp =
        format!("{} {} {}", path.display(), found.len(), found.mtime_nsec() + found.mtime() * 1_000_000_000);
    let stamp: String = Sha256::digest(stamp)[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let root = options.unpacked_dir().join(format!("{name}-{stamp}"));
    if !root.is_dir() {
        unpack(&path, &root).map_err(failed)?;
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
