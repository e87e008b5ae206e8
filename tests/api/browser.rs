//! A real Chromium without a window, for tests of what pages show and of what pages may do.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Debian's Chromium, or the program that `RANGEHAND_TEST_BROWSER` names, with a profile of its own.
pub(crate) struct Browser {
    program: PathBuf,
    profile: tempfile::TempDir,
}

/// A page that is open; dropping it ends the browser.
pub(crate) struct Page {
    process: Child,
    _browser: Browser,
}

impl Browser {
    /// `None` where no browser is installed, which is printed.
    #[expect(clippy::print_stderr, reason = "a test that shows nothing must not look like one that does")]
    pub(crate) fn find() -> Option<Self> {
        let named = std::env::var_os("RANGEHAND_TEST_BROWSER").map(PathBuf::from);
        let debian = || Some(Path::new("/usr/bin/chromium").to_owned()).filter(|path| path.exists());
        let Some(program) = named.or_else(debian) else {
            eprintln!("SKIPPED: no browser. `apt-get install chromium`, or set RANGEHAND_TEST_BROWSER");
            return None;
        };
        let profile = tempfile::Builder::new().prefix("rangehand-browser-").tempdir();
        Some(Self { program, profile: profile.expect("a temporary directory") })
    }

    /// The command of a browser that resolves host names by these rules of Chromium only.
    pub(crate) fn command(&self, host_rules: &str) -> Command {
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

    /// Opens a page without the protection of local addresses that some browsers have: the service must not depend on it.
    pub(crate) fn open(self, host_rules: &str, address: &str) -> Page {
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
        let pid = i32::try_from(self.process.id()).ok().and_then(rustix::process::Pid::from_raw);
        // Its other processes end with it.
        if let Some(pid) = pid {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.process.wait();
    }
}
