//! A real Chromium without a window, to test what pages show and what they can do.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rustix::process::{Signal, kill_process};

use crate::{processes::pid_of, surroundings::BROWSER};

/// Debian's Chromium, or the program that `RANGEHAND_TEST_BROWSER` names, with a separate profile.
pub struct Browser {
    program: PathBuf,
    profile: tempfile::TempDir,
}

/// A page that is open; dropping it ends the browser.
pub struct Page {
    process: Child,
    _browser: Browser,
}

impl Browser {
    /// `None` where no browser is installed, which is printed.
    ///
    /// # Panics
    ///
    /// If no temporary directory can be made.
    #[must_use]
    #[expect(clippy::print_stderr, reason = "a test that shows nothing says so")]
    pub fn find() -> Option<Self> {
        let named = std::env::var_os(BROWSER).map(PathBuf::from);
        let debian = || Some(Path::new("/usr/bin/chromium").to_owned()).filter(|path| path.exists());
        let Some(program) = named.or_else(debian) else {
            eprintln!("SKIPPED: no browser. `apt-get install chromium`, or set RANGEHAND_TEST_BROWSER");
            return None;
        };
        let profile = tempfile::Builder::new().prefix("rangehand-browser-").tempdir();
        Some(Self { program, profile: profile.expect("a temporary directory") })
    }

    /// The command of a browser that resolves host names by these rules of Chromium only.
    #[must_use]
    pub fn command(&self, host_rules: &str) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
            ])
            .args(["--disable-background-networking", "--disable-component-update", "--no-proxy-server"])
            .arg(format!("--host-resolver-rules={host_rules}"))
            .args(["--enable-logging=stderr", "--v=0"])
            .arg(format!("--user-data-dir={}", self.profile.path().display()))
            .env("HOME", self.profile.path())
            .stdin(Stdio::null());
        command
    }

    /// The directory of the profile.
    pub(crate) fn profile(&self) -> &Path {
        self.profile.path()
    }

    /// Opens a page without the protection of local addresses that some browsers have: the service must not depend on it.
    ///
    /// # Panics
    ///
    /// If the browser does not start.
    #[must_use]
    pub fn open(self, host_rules: &str, address: &str) -> Page {
        let mut command = self.command(host_rules);
        command
            .arg("--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests")
            .arg(address)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Page { process: command.spawn().expect("the browser starts"), _browser: self }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // Its other processes end with it.
        let _ = kill_process(pid_of(&self.process), Signal::TERM);
        let _ = self.process.wait();
    }
}
