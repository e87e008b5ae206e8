//! A simulated Proxmox VE: `tests/lab/proxmox.py`.

use std::{
    io::{Read, Write},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{
    processes::spawn_until_ready,
    surroundings::{FAKE_PVE, needed, repository},
    tls::install_provider,
};

/// A simulator of Proxmox VE of one test. It checks every call by the schema of Proxmox VE. It is ended when it is dropped.
pub struct Simulator {
    process: Child,
    /// Where it is, and the token for it.
    pub place: Value,
}

impl Simulator {
    /// Starts it on free ports.
    ///
    /// # Panics
    ///
    /// If it does not start.
    #[must_use]
    pub fn start() -> Self {
        install_provider();
        let mut command = Command::new(needed(FAKE_PVE));
        command.arg(repository("tests/lab/proxmox.py")).stdin(Stdio::piped()).stderr(Stdio::piped());
        let (mut process, line) = spawn_until_ready(&mut command);
        let place = serde_json::from_str(&line).unwrap_or_else(|_| {
            let mut said = String::new();
            let _ = process.stderr.take().expect("a pipe").read_to_string(&mut said);
            panic!("the simulator did not start:\n{said}")
        });
        Self { process, place }
    }

    /// A member of its place.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.place[name].as_str().expect("a text")
    }

    /// Sends POST to the control address; see tests/lab/proxmox.py.
    ///
    /// # Panics
    ///
    /// If it is rejected.
    pub async fn post(&self, path: &str, body: Value) {
        let url = format!("{}{path}", self.text("control"));
        let request = reqwest::Client::new().post(url).header("content-type", "application/json");
        let response = request.body(body.to_string()).send().await.expect("it answers");
        assert_eq!(response.status(), 200, "{path} {body}");
    }

    /// Sends GET to the control address.
    ///
    /// # Panics
    ///
    /// If it is rejected.
    pub async fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.text("control"));
        let response = reqwest::get(url).await.expect("it answers");
        assert_eq!(response.status(), 200, "{path}");
        serde_json::from_str(&response.text().await.expect("text")).expect("JSON")
    }

    /// A simulator with a template `debian-12`, number 9001, on its only node `pve1`.
    pub async fn with_template() -> Self {
        let simulator = Self::start();
        simulator.post("/node", serde_json::json!({"name": "pve1", "template": 9001})).await;
        simulator
    }

    /// All machines and networks with this mark, in the form of a tag, as `proxmoxer` sees them, an independent client.
    #[must_use]
    pub fn proxmoxer_state(&self, mark: &str) -> Value {
        self.proxmoxer(&["state", mark], &Value::Null)
    }

    /// A call by `proxmoxer`. Returns its answer.
    #[must_use]
    pub fn proxmoxer_call(&self, method: &str, path: &str, parameters: &Value) -> Value {
        self.proxmoxer(&["call", method, path], parameters)
    }

    fn proxmoxer(&self, arguments: &[&str], input: &Value) -> Value {
        let mut command = Command::new(needed(FAKE_PVE));
        command
            .arg("-B")
            .arg(repository("tests/lab/proxmoxer_run.py"))
            .arg(self.place.to_string())
            .args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("Python");
        let mut stdin = process.stdin.take().expect("a pipe");
        let input = if input.is_null() { String::new() } else { input.to_string() };
        stdin.write_all(input.as_bytes()).expect("it reads");
        drop(stdin);
        let output = process.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// The `data` of a read.
    pub async fn read(&self, path: &str) -> Value {
        self.get(&format!("/api/{path}")).await["data"].clone()
    }

    /// The calls so far that are no reads: method, path below the API, body.
    ///
    /// # Panics
    ///
    /// If there is no list of calls.
    pub async fn changes(&self) -> Vec<(String, String, String)> {
        let calls = self.get("/requests").await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let calls = calls.as_array().expect("a list").iter();
        let calls =
            calls.map(|call| (text(&call[0]), text(&call[1]).replace("/api2/json/", ""), text(&call[2])));
        calls.filter(|(method, ..)| method != "GET").collect()
    }

    /// How often a call was made.
    pub async fn count(&self, method: &str, path: &str) -> usize {
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
