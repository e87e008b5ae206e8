//! The built program at a site, started with the settings of the service that Rangehand replaces.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Instant,
};

use rustix::process::{Pid, Signal, kill_process};
use testkit::{POLL, bin_dir, http::Endpoint, program};

use crate::{
    WAIT_LIMIT,
    site::{self, Site, Sites},
};

/// A running service.
pub(crate) struct Service {
    process: Option<Child>,
    /// Where it listens.
    pub endpoint: Endpoint,
    log: PathBuf,
    root: PathBuf,
    runtime: PathBuf,
}

impl Service {
    /// Starts it and waits until it listens. Returns its log if it does not.
    pub(crate) fn start(sites: &Sites, site: &Site) -> Result<Self, String> {
        let log = site.root.with_file_name("service.log");
        let runtime = Path::new("/dev/shm").join(sites.name());
        let mut process = Command::new(program())
            .args(["serve", "--port", "0"])
            .env_clear()
            .env("HOME", site.root.with_file_name("public"))
            .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
            .envs(&site.settings)
            .env("RANGEHAND__ANSIBLE__BIN_DIR", bin_dir())
            .env("RANGEHAND__PATHS__RUNTIME", &runtime)
            .envs(std::env::var("RANGEHAND_TEST_EXECUTOR").map(|it| ("RANGEHAND__ANSIBLE__EXECUTOR", it)))
            .current_dir(&site.root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).expect("writable"))
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let output = process.stdout.take().expect("a pipe");
        BufReader::new(output).read_line(&mut line).expect("it says where it listens, or ends");
        let address = line.trim().strip_prefix("listening on http://").unwrap_or_default();
        let root = site.root.clone();
        let mut service =
            Self { process: Some(process), endpoint: Endpoint::new(address), log, root, runtime };
        if address.is_empty() {
            service.kill();
            return Err(service.log());
        }
        Ok(service)
    }

    /// What it logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Ends it with SIGTERM; what is wrong then, one line each.
    pub(crate) fn stop(mut self) -> Vec<String> {
        let mut process = self.process.take().expect("it runs");
        let pid = Pid::from_raw(i32::try_from(process.id()).expect("a small number")).expect("a pid");
        kill_process(pid, Signal::TERM).expect("the test owns it");
        let begun = Instant::now();
        let status = loop {
            match process.try_wait().expect("the test owns it") {
                Some(status) => break status,
                None if begun.elapsed() > WAIT_LIMIT => {
                    self.process = Some(process);
                    return vec!["the service does not stop".to_owned()];
                }
                None => thread::sleep(POLL),
            }
        };
        let mut wrong = Vec::new();
        if !status.success() {
            wrong.push(format!("the service ended with {status}"));
        }
        let directories = [site::entries(&self.root.join("var/runs")), site::entries(&self.runtime)].concat();
        wrong.extend(directories.iter().map(|path| format!("left behind: {}", path.display())));
        let place = self.root.parent().expect("a site has a directory").to_string_lossy();
        wrong.extend(processes_with(&place).iter().map(|command| format!("left running: {command}")));
        wrong
    }

    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir(&self.runtime);
    }
}

/// Command lines in which a text occurs.
fn processes_with(text: &str) -> Vec<String> {
    let commands = site::entries(Path::new("/proc")).into_iter().filter_map(|process| {
        process.file_name()?.to_str()?.parse::<u32>().ok()?;
        let command = fs::read(process.join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&command).replace('\0', " "))
    });
    commands.filter(|command| command.contains(text)).collect()
}
