//! The role `proxmox_controller` and its bundles against a simulator of the Proxmox VE API.
//!
//! Every test has a simulator of its own, so nothing that one leaves behind is seen by another. The simulator checks
//! every call by Proxmox VE's own schema; what a job left is read from its API again.

mod actions;
mod bundles;
mod faults;
mod hosts;
mod table;

use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::app::{Setup, TestApp, copy, fixtures, generated_secret};

/// The repository's own playbooks.
fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks")
}

/// The simulator, ended when dropped.
struct Simulator {
    process: Child,
    /// Where it is, and the token for it.
    place: Value,
}

impl Simulator {
    fn start() -> Self {
        let python = std::env::var_os("RANGEHAND_TEST_FAKEPVE").map(PathBuf::from);
        let python = python.expect("RANGEHAND_TEST_FAKEPVE is not set: run ./test.sh");
        let mut process = Command::new(python)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/proxmox.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the simulator starts");
        let mut line = String::new();
        let output = process.stdout.take().expect("a pipe");
        BufReader::new(output).read_line(&mut line).expect("the simulator says where it listens");
        let place = serde_json::from_str(&line).unwrap_or_else(|_| {
            let mut said = String::new();
            let _ = process.stderr.take().expect("a pipe").read_to_string(&mut said);
            panic!("the simulator did not start:\n{said}")
        });
        Self { process, place }
    }

    fn text(&self, name: &str) -> &str {
        self.place[name].as_str().expect("a text")
    }

    /// Something on the control address; see tests/lab/proxmox.py.
    async fn post(&self, path: &str, body: Value) {
        let url = format!("{}{path}", self.text("control"));
        let request = reqwest::Client::new().post(url).header("content-type", "application/json");
        let response = request.body(body.to_string()).send().await.expect("it answers");
        assert_eq!(response.status(), 200, "{path} {body}");
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.text("control"));
        let response = reqwest::get(url).await.expect("it answers");
        assert_eq!(response.status(), 200, "{path}");
        serde_json::from_str(&response.text().await.expect("text")).expect("JSON")
    }

    /// The `data` of a read.
    async fn read(&self, path: &str) -> Value {
        self.get(&format!("/api/{path}")).await["data"].clone()
    }

    /// The calls so far that are no reads: method, path below the API, body.
    async fn changes(&self) -> Vec<(String, String, String)> {
        let calls = self.get("/requests").await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let calls = calls.as_array().expect("a list").iter();
        let calls =
            calls.map(|call| (text(&call[0]), text(&call[1]).replace("/api2/json/", ""), text(&call[2])));
        calls.filter(|(method, ..)| method != "GET").collect()
    }

    /// How often a call was made.
    async fn count(&self, method: &str, path: &str) -> usize {
        self.changes().await.iter().filter(|call| call.0 == method && call.1 == path).count()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // It ends, and removes its certificate, when its standard input is closed.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
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

    /// Runs a job to its end and shows that no secret is in what is left of it.
    async fn run(&self, mut request: Value) -> Value {
        request["inventory"] = json!("proxmox");
        let job = self.app.run(&request).await;
        let seen = format!("{:?} {}", self.app.events(&job).await, self.app.text_log(&job).await);
        for secret in [self.simulator.text("token_secret"), &self.password] {
            assert!(!seen.contains(secret), "a secret is in the events: {seen}");
        }
        job
    }

    /// The same for a job that must succeed; gives its results.
    async fn done(&self, request: Value) -> Value {
        let job = self.run(request).await;
        assert_eq!(job["state"], "succeeded", "{job:#}\n{}", self.app.text_log(&job).await);
        self.app.results(&job).await
    }

    /// One action through the playbook `generic`.
    async fn act(&self, action: &str, variables: Value) -> Value {
        self.run(generic(action, variables)).await
    }
}

/// A request for one action, with the variables as the v0 routes give them.
fn generic(action: &str, mut variables: Value) -> Value {
    variables["proxmox_vm_action"] = json!(action);
    variables["hosts"] = json!("proxmox");
    json!({"playbook": "generic", "limit": "proxmox", "extra_vars": variables})
}
