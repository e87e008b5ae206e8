//! Keys of machines: the host key, which is made here so that it is known from the first connection, and those of operators.

use std::{
    fs, io,
    process::{Command, Stdio},
};

use super::{
    home::MachineDir,
    kernel::{Failure, SYSTEM_PATH},
};
use crate::{error::Error, wanted::MachineWanted};

/// Makes the host key of a machine, if it has none.
pub(super) fn make_host_key(dir: &MachineDir) -> Result<(), Error> {
    if dir.file("host_key.pub").exists() {
        return Ok(());
    }
    let failed =
        |error: io::Error| Failure::new(format!("make the host key of machine `{}`", dir.name()), error);
    let key = dir.file("host_key");
    let _ = fs::remove_file(&key);
    let output = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", dir.name(), "-f"])
        .arg(&key)
        .env("PATH", SYSTEM_PATH)
        .stdin(Stdio::null())
        .output()
        .map_err(failed)?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(failed(io::Error::other(text)).into())
}

/// The public host key of a machine, once it was started.
pub(super) fn host_key(dir: &MachineDir) -> Option<String> {
    let line = fs::read_to_string(dir.file("host_key.pub")).ok()?;
    let mut words = line.split_whitespace();
    Some(format!("{} {}", words.next()?, words.next()?))
}

/// The text of `authorized_keys`.
pub(super) fn authorized_keys(wanted: &MachineWanted) -> String {
    wanted.login.authorized_keys.iter().map(|key| format!("{key}\n")).collect()
}
