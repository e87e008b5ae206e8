//! The keys that seal secrets: is the file there, this user's alone, and whole?

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use engine::Keyring;
use rustix::process::geteuid;

use super::{
    check::{Check, Status, chain},
    directories::writable,
};

const NAME: &str = "key file";

/// Checks the file, or whether it can be created. Creates nothing.
pub(super) fn check(path: &Path) -> Check {
    let shown = path.display();
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return later(path),
        Err(error) => {
            let hint = "correct `secrets.key_file`, or let the service's user reach it";
            return Check::fail(NAME, format!("`{shown}` cannot be looked at: {error}"), hint);
        }
    };
    if let Err(error) = Keyring::open(path) {
        let hint = format!(
            "chmod 600 '{shown}', or put a whole copy back; without it waiting jobs lose their secrets"
        );
        return Check::fail(NAME, chain(&error), hint);
    }
    let (owner, user) = (metadata.uid(), geteuid().as_raw());
    if owner != user {
        let problem = format!("`{shown}` belongs to user {owner}, and this is user {user}");
        return Check::warn(NAME, problem, format!("chown it to the service's user: '{shown}'"));
    }
    Check::ok(NAME, shown.to_string())
}

/// The service creates it at its first start.
fn later(path: &Path) -> Check {
    let directory = path.parent().unwrap_or(Path::new("/"));
    let check = writable(NAME, directory, "secrets.key_file");
    match check.status {
        Status::Ok => Check::ok(NAME, format!("{} (will be created)", path.display())),
        Status::Warn | Status::Fail => check,
    }
}
