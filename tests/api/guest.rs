//! A throw-away Debian of one test, booted by `tests/lab/guest.sh`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

/// A guest that is up; it ends when this is dropped.
pub(crate) struct Guest {
    directory: PathBuf,
}

impl Guest {
    /// Boots one. None where this machine cannot, which `./test.sh` has said aloud.
    #[expect(clippy::print_stderr, reason = "a test that shows nothing says so")]
    pub(crate) fn boot(name: &str) -> Option<Self> {
        let guests = std::env::var("RANGEHAND_TEST_GUESTS");
        let guests = guests.expect("RANGEHAND_TEST_GUESTS is not set: run ./test.sh");
        if guests == "none" {
            eprintln!("NOT TESTED: no guests can be made on this machine");
            return None;
        }
        let guest = Self { directory: Path::new(&guests).join(format!("{name}-{}", std::process::id())) };
        assert!(guest.lab("up"), "the guest did not start");
        Some(guest)
    }

    /// The inventory with the host `guest-1`.
    pub(crate) fn inventory(&self) -> String {
        fs::read_to_string(self.directory.join("inventory/guest.yml")).expect("the guest is up")
    }

    /// Runs a shell command as root in the guest, which must succeed; gives what it printed, without the last line end.
    pub(crate) async fn run(&self, command: &str) -> String {
        let (succeeded, output) = self.attempt(command).await;
        assert!(succeeded, "`{command}` failed in the guest: {output}");
        output
    }

    /// Runs a shell command as root in the guest; gives whether it succeeded and what it printed.
    pub(crate) async fn attempt(&self, command: &str) -> (bool, String) {
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
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/guest.sh");
        // Its processes go on, so nothing that somebody reads to its end is given to them.
        let status =
            std::process::Command::new(script).arg(verb).arg(&self.directory).stdin(Stdio::null()).status();
        status.expect("the script is there").success()
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let ended = self.lab("down");
        assert!(ended || std::thread::panicking(), "the guest did not end");
    }
}

/// One word of a shell.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
