//! Several nodes share one queue.

use std::{collections::BTreeSet, path::PathBuf};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Postgres, Worker, runs_in, until};

use super::{Elsewhere, assert_numbered, id, lines, node, open, states};

#[tokio::test]
async fn three_nodes_share_one_queue_and_each_job_runs_once() {
    let Some(store) = Postgres::create() else { return };
    let app = node(&store).start();
    let (other, worker) = (node(&store).start(), Worker::start(node(&store)));
    let (gate, marks) = (app.home().join("gate"), app.home().join("marks"));
    for home in [app.home(), other.home(), worker.home()] {
        let play = "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.shell: echo {{ mark }} >> {{ marks \
                    }}\n    - ansible.builtin.wait_for: {path: '{{ gate }}', timeout: 300}\n";
        std::fs::create_dir_all(home.join("playbooks/bundles/once")).expect("writable");
        std::fs::write(home.join("playbooks/bundles/once/main.yml"), play).expect("writable");
    }
    let mut jobs = Vec::new();
    for mark in 0..6 {
        let vars = json!({"mark": format!("mark-{mark}"), "marks": marks, "gate": gate});
        let request = json!({"bundle": "once", "limit": "localhost", "extra_vars": vars});
        // All nodes run jobs, whichever of them gets the request.
        let asked = if mark % 2 == 0 { &app } else { &other };
        jobs.push(asked.submit(&request).await);
    }
    // One slot each, and the gate is closed: three running jobs mean that each node has one.
    until("three jobs are running", || lines(&marks).len() == 3).await;
    for home in [app.home(), other.home(), worker.home()] {
        assert_eq!(runs_in(home).len(), 1);
    }
    let queue = app.get("/v1/queue", 200).await;
    let running = queue["running"].as_array().expect("a list").iter();
    let holders: BTreeSet<_> = running.filter_map(|job| job["node"].as_str()).collect();
    assert!(holders.len() == 3 && holders.contains(worker.name()), "{queue:#}");
    open(&gate);
    for job in &jobs {
        let job = other.job(job).until_state("succeeded").await;
        assert_eq!(job["attempt"], 1);
        let events = other.job(&job).events().await;
        assert_numbered(&events);
        assert_eq!(states(&events), ["queued", "running", "succeeded"]);
    }
    let mut done = lines(&marks);
    done.sort();
    assert_eq!(done, (0..6).map(|mark| format!("mark-{mark}")).collect::<Vec<_>>());
    for home in [app.home().to_owned(), other.home().to_owned(), worker.home().to_owned()] {
        until("the runs' directories are deleted", || runs_in(&home) == Vec::<PathBuf>::new()).await;
    }
    drop((worker, other, app));
}

#[tokio::test]
async fn events_stream_from_a_node_that_does_not_run_the_job() {
    let Some(store) = Postgres::create() else { return };
    let nodes = Elsewhere::begin(&store).await;
    let path = format!("/v1/jobs/{}/events", id(&nodes.job));
    // Both streams begin while the run waits at its gate, and end with it.
    let ndjson = nodes.here.send(Method::GET, &format!("{path}?format=ndjson&follow=true"), None).await;
    let sse = nodes.here.send(Method::GET, &format!("{path}?format=sse"), None).await;
    open(&nodes.gate);
    let events: Vec<Value> = ndjson.text().await.expect("text").lines().filter_map(read_event).collect();
    assert_numbered(&events);
    assert_eq!(states(&events), ["queued", "running", "succeeded"]);
    assert_eq!(events, nodes.there.job(&nodes.job).events().await);
    let sse = sse.text().await.expect("text");
    let sse: Vec<Value> =
        sse.lines().filter_map(|line| read_event(line.strip_prefix("data:")?.trim_start())).collect();
    assert_eq!(sse, events);
    assert_eq!(nodes.here.job(&nodes.job).log().await, nodes.there.job(&nodes.job).log().await);
    nodes.until_forgotten().await;
    drop((nodes.here, nodes.there));
}

/// Parses an event. Other messages of a stream have no number.
fn read_event(line: &str) -> Option<Value> {
    let event: Value = serde_json::from_str(line).ok()?;
    event["seq"].is_u64().then_some(event)
}

#[tokio::test]
async fn a_cancel_reaches_the_node_that_runs_the_job() {
    let Some(store) = Postgres::create() else { return };
    let nodes = Elsewhere::begin(&store).await;
    let tasks = nodes.there.get("/v1/background-tasks", 200).await;
    let is_listening =
        |task: &Value| task["name"] == "listen_for_changes" && task["running_since"].is_string();
    assert!(tasks["items"].as_array().expect("a list").iter().any(is_listening), "{tasks:#}");
    let job = nodes.here.job(&nodes.job).cancel().await;
    assert_eq!((&job["state"], &job["reason"]["code"]), (&json!("canceled"), &json!("canceled")), "{job:#}");
    assert!(job["processes_killed"].as_u64().expect("a number") > 0, "{job:#}");
    let events = nodes.there.job(&nodes.job).events().await;
    assert_numbered(&events);
    assert_eq!(states(&events), ["queued", "running", "canceling", "canceled"]);
    assert_eq!(lines(&nodes.here.home().join("marks")).len(), 5, "nothing was done after the gate");
    nodes.until_forgotten().await;
    drop((nodes.here, nodes.there));
}
