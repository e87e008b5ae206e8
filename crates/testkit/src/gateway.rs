//! A gateway of one test: `tests/lab/gateway.sh`.

use std::{
    env, fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::{
    http::Endpoint,
    surroundings::{GATEWAYS, repository},
};

/// A running gateway; it ends with its test.
pub struct Gateway {
    directory: tempfile::TempDir,
}

impl Gateway {
    /// Starts it in front of `127.0.0.1:port`.
    ///
    /// # Panics
    ///
    /// If it does not start.
    #[must_use]
    pub fn start(service: &str) -> Self {
        let parent = env::var_os(GATEWAYS).map_or_else(env::temp_dir, PathBuf::from);
        let directory = tempfile::Builder::new().prefix("rangehand-gateway-").tempdir_in(parent);
        let directory = directory.expect("a temporary directory");
        let gateway = Self { directory };
        let output = gateway.script("up", &[service]).output().expect("bash is there");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        gateway
    }

    /// Where it listens, without credentials.
    ///
    /// # Panics
    ///
    /// If it is down.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        Endpoint::new(self.read("url").trim().strip_prefix("http://").expect("an address"))
    }

    /// The same with the API key of a consumer.
    #[must_use]
    pub fn endpoint_of(&self, consumer: &str) -> Endpoint {
        self.endpoint().with("apikey", &self.key(consumer))
    }

    /// A consumer's API key.
    #[must_use]
    pub fn key(&self, consumer: &str) -> String {
        self.read(&format!("{consumer}.key"))
    }

    /// What signs a consumer's tokens.
    #[must_use]
    pub fn secret(&self, consumer: &str) -> String {
        self.read(&format!("{consumer}.secret"))
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.lab().join(name)).expect("the script wrote it")
    }

    fn lab(&self) -> PathBuf {
        self.directory.path().join("lab")
    }

    fn script(&self, verb: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("bash");
        command.arg(repository("tests/lab/gateway.sh")).arg(verb).arg(self.lab()).args(arguments);
        command.stdin(Stdio::null());
        command
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.script("down", &[]).status();
    }
}
