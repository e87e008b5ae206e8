//! Rules of nftables, through the program `nft`: one transaction for each call, in the namespace of the calling thread.

use std::{
    io::{self, Write},
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use super::netlink::Failure;

/// Carries out commands as one transaction: all of them, or none.
pub(in super::super) fn nft(commands: &[Value]) -> Result<(), Failure> {
    let what = "set rules of nftables";
    run(&["-j", "-f", "-"], Some(&json!({ "nftables": commands }).to_string()), what).map(drop)
}

/// Everything in a table as a text without counters; `None` if there is no such table.
pub(in super::super) fn listing(table: &str) -> Result<Option<String>, Failure> {
    match run(&["-s", "list", "table", "inet", table], None, "list rules of nftables") {
        Ok(text) => Ok(Some(text)),
        Err(failure) if failure.error.to_string().contains("No such file or directory") => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Removes a table, if it is there.
pub(in super::super) fn flush(table: &str) -> Result<(), Failure> {
    // Adding it first makes deleting it succeed always.
    let table = json!({ "family": "inet", "name": table });
    nft(&[json!({ "add": { "table": table } }), json!({ "delete": { "table": table } })])
}

fn run(arguments: &[&str], input: Option<&str>, what: &str) -> Result<String, Failure> {
    let mut child = Command::new("nft")
        .args(arguments)
        .env("PATH", SYSTEM_PATH)
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Failure::new(format!("{what}: `nft` does not start"), error))?;
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        // When `nft` does not read on, its exit says why.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(|error| Failure::new(what, error))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Failure::new(what, io::Error::other(text)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Where programs of the system are, also for users whose path lacks the second half.
pub(in super::super) const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin";

/// Is there such a program?
pub(in super::super) fn has_program(name: &str) -> bool {
    SYSTEM_PATH.split(':').any(|directory| Path::new(directory).join(name).exists())
}
