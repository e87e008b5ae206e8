//! The report of a run matches what happened: whether anything was done, which task failed, what was shown.

mod blame;
mod names;
mod shown;
mod work;

use serde_json::{Value, json};
use testkit::{Job, TestApp};

/// Two hosts in `pair`, none in `spare`; all of them are this machine.
const INVENTORY: &str = "all:
  vars: {ansible_connection: local, ansible_python_interpreter: /usr/bin/python3}
  hosts: {single: , one: , two: }
  children: {pair: {hosts: {one: , two: }}, spare: {}}
";

/// A service with that inventory and these playbooks.
fn with_playbooks(playbooks: &[(&str, &str)]) -> TestApp {
    let app = TestApp::new();
    app.write("inventory/lab.yml", INVENTORY);
    for (name, text) in playbooks {
        app.write(&format!("playbooks/{name}.yml"), text);
    }
    app
}

/// Runs all of these at once. Returns the jobs in the same order.
async fn run_all(app: &TestApp, requests: impl IntoIterator<Item = Value>) -> Vec<Job> {
    let mut jobs = Vec::new();
    for mut request in requests {
        request["inventory"] = json!("lab");
        jobs.push(app.submit(&request).await);
    }
    for job in &mut jobs {
        *job = job.wait().await;
    }
    jobs
}

async fn result(app: &TestApp, job: &Value) -> Value {
    app.get(&format!("/v1/jobs/{}/result", job["id"].as_str().expect("an id")), 200).await
}
