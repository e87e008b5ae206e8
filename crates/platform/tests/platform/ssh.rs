//! Logs in to machines as Ansible does: with the key of the range, an exact host key, and the socket that the platform passes.

use std::{
    path::PathBuf,
    process::{Command, Output},
};

use platform::{Login, Platform, Thing};

use crate::lab::sh;

/// A key pair and what is known of hosts.
pub(crate) struct Ssh {
    directory: tempfile::TempDir,
}

impl Ssh {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        sh(&format!("ssh-keygen -q -t ed25519 -N '' -f {}", directory.path().join("key").display()));
        Self { directory }
    }

    pub(crate) fn login(&self) -> Login {
        Login { authorized_keys: vec![self.public_key()] }
    }

    pub(crate) fn public_key(&self) -> String {
        std::fs::read_to_string(self.file("key.pub")).unwrap().trim().to_owned()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What a command prints on a machine.
    pub(crate) async fn run(&self, platform: &dyn Platform, machine: &Thing, command: &str) -> String {
        let key = platform.access(machine).await.unwrap().host_keys[0].clone();
        let output = self.with_host_key(platform, machine, &key, command).await;
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    /// The same where another host key is expected.
    pub(crate) async fn with_host_key(
        &self,
        platform: &dyn Platform,
        machine: &Thing,
        key: &str,
        command: &str,
    ) -> Output {
        let access = platform.access(machine).await.unwrap();
        std::fs::write(self.file("known_hosts"), format!("{} {key}\n", machine.name)).unwrap();
        let connect: Vec<String> = access.connect.iter().map(|word| format!("'{word}'")).collect();
        Command::new("ssh")
            .args(["-F", "/dev/null", "-n", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"])
            .args(["-o", "IdentitiesOnly=yes", "-o", "ControlPath=none", "-o", "ProxyUseFdpass=yes"])
            .args(["-o", "GlobalKnownHostsFile=/dev/null", "-o"])
            .arg(format!("UserKnownHostsFile={}", self.file("known_hosts").display()))
            .arg("-o")
            .arg(format!("ProxyCommand={}", connect.join(" ")))
            .arg("-i")
            .arg(self.file("key"))
            .arg(format!("{}@{}", access.user, machine.name))
            .arg(command)
            .output()
            .unwrap()
    }
}
