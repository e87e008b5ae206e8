//! The role `proxmox_controller` and its bundles against a simulator of the Proxmox VE API.
//!
//! Every test has a separate simulator, so tests don't affect each other. The simulator checks every request against
//! Proxmox VE's own schema. The state after a job is read from its API.

mod actions;
mod bundles;
mod faults;
mod hosts;
mod table;

use std::path::PathBuf;

use serde_json::{Value, json};
use testkit::{Job, Setup, Simulator, TestApp, copy, fixtures, generated_secret, repository};

/// The repository's own playbooks.
fn shipped() -> PathBuf {
    repository("playbooks")
}

/// A service whose inventory has the simulator in the group `proxmox`.
struct Lab {
    app: TestApp,
    simulator: Simulator,
    /// A password for guests; it must never be seen again.
    password: String,
}

impl Lab {
    fn new() -> Self {
        Self::with(&[])
    }

    /// With variables of the host in place of those that make it work.
    fn with(variables: &[(&str, Value)]) -> Self {
        let simulator = Simulator::start();
        let mut host = json!({
            "proxmox_node": "pve1",
            "proxmox_api_host": simulator.place["host"],
            "proxmox_api_user": simulator.place["user"],
            "proxmox_api_token_id": simulator.place["token_id"],
            "proxmox_api_token_secret": simulator.place["token_secret"],
            "proxmox_api_validate_certs": true,
            "proxmox_api_ca_path": simulator.place["certificate"],
        });
        for (name, value) in variables {
            host[name] = value.clone();
        }
        host.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
        let setup = Setup::new();
        let inventory = json!({"all": {"children": {"proxmox": {"hosts": {"pve1": host}}}}});
        setup.write("inventory/proxmox.yml", &inventory.to_string());
        let playbooks = setup.home().join("playbooks");
        copy(&fixtures().join("proxmox"), &playbooks);
        copy(&shipped().join("roles"), &playbooks.join("roles"));
        copy(&shipped().join("bundles/core/proxmox"), &playbooks.join("bundles/core/proxmox"));
        std::fs::copy(shipped().join("generic.yml"), playbooks.join("generic.yml")).expect("writable");
        Self { app: setup.start(), simulator, password: generated_secret() }
    }

    /// Runs a job to its end and asserts that no secret remains in its files and output.
    async fn run(&self, mut request: Value) -> Job {
        request["inventory"] = json!("proxmox");
        let job = self.app.run(&request).await;
        let seen = format!("{:?} {}", job.events().await, job.log().await);
        for secret in [self.simulator.text("token_secret"), &self.password] {
            assert!(!seen.contains(secret), "a secret is in the events: {seen}");
        }
        job
    }

    /// The same for a job that must succeed. Returns its results.
    async fn done(&self, request: Value) -> Value {
        let job = self.run(request).await;
        assert_eq!(job["state"], "succeeded", "{job:#}\n{}", job.log().await);
        job.results().await
    }

    /// One action through the playbook `generic`.
    async fn act(&self, action: &str, variables: Value) -> Job {
        self.run(generic(action, variables)).await
    }
}

/// A request for one action, with the variables as the v0 routes give them.
fn generic(action: &str, mut variables: Value) -> Value {
    variables["proxmox_vm_action"] = json!(action);
    variables["hosts"] = json!("proxmox");
    json!({"playbook": "generic", "limit": "proxmox", "extra_vars": variables})
}
