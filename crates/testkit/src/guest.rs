//! A throw-away Debian of one test, booted by `tests/lab/guest.sh`.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::surroundings::{GUESTS, needed, repository};

/// A guest that is up; it ends when this is dropped.
pub struct Guest {
    directory: PathBuf,
}

impl Guest {
    /// Boots one. `None` where this machine cannot, which `./test.sh` has printed.
    ///
    /// # Panics
    ///
    /// If it does not boot.
    #[must_use]
    #[expect(clippy::print_stderr, reason = "a test that shows nothing says so")]
    pub fn boot(name: &str) -> Option<Self> {
        let guests = needed(GUESTS);
        if guests.as_os_str() == "none" {
            eprintln!("NOT TESTED: no guests can be made on this machine");
            return None;
        }
        let guest = Self { directory: guests.join(format!("{name}-{}", std::process::id())) };
        assert!(guest.lab("up"), "the guest did not start");
        Some(guest)
    }

    /// The inventory with the host `guest-1`.
    ///
    /// # Panics
    ///
    /// If the guest is down.
    #[must_use]
    pub fn inventory(&self) -> String {
        fs::read_to_string(self.directory.join("inventory/guest.yml")).expect("the guest is up")
    }

    /// Runs a shell command as root in the guest, which must succeed; returns what it printed, without the last line end.
    ///
    /// # Panics
    ///
    /// If it fails.
    pub async fn run(&self, command: &str) -> String {
        let (succeeded, output) = self.attempt(command).await;
        assert!(succeeded, "`{command}` failed in the guest: {output}");
        output
    }

    /// Runs a shell command as root in the guest; returns whether it succeeded and what it printed.
    ///
    /// # Panics
    ///
    /// If there is no ssh.
    pub async fn attempt(&self, command: &str) -> (bool, String) {
        let file = |name: &str| self.directory.join(name).to_string_lossy().into_owned();
        let address = fs::read_to_string(file("address")).expect("the guest is up");
        let output = tokio::process::Command::new("ssh")
            .args(["-F", "/dev/null", "-n", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"])
            .args([
                "-o",
                "GlobalKnownHostsFile=/dev/null",
                "-o",
                &format!("UserKnownHostsFile={}", file("known_hosts")),
            ])
            .args(["-i", &file("client_key"), &format!("trainer@{}", address.trim())])
            .arg(format!("sudo sh -c {} 2>&1", quoted(command)))
            .output()
            .await
            .expect("ssh is there");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    fn lab(&self, verb: &str) -> bool {
        let script = repository("tests/lab/guest.sh");
        // Its processes continue, so they get no pipe that is read to its end.
        let status = Command::new(script).arg(verb).arg(&self.directory).stdin(Stdio::null()).status();
        status.expect("the script is there").success()
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let ended = self.lab("down");
        assert!(ended || std::thread::panicking(), "the guest did not end");
    }
}

/// A text as one word of a shell.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
