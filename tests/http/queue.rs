//! The queue: its order, why jobs wait, and how a waiting job is shown.

use serde_json::{Value, json};
use testkit::{Gate, Setup, TestApp, sql};

fn one_place() -> TestApp {
    Setup::without_ansible().set("RANGEHAND__RUNS__MAX_CONCURRENT", "1").start()
}

fn waits_at(gate: &Gate) -> Value {
    json!({"bundle": "gate", "extra_vars": {"gate": gate.path()}})
}

#[tokio::test]
async fn a_waiting_job_says_how_many_come_before_it_and_that_no_place_is_free() {
    let app = one_place();
    let gate = Gate::new(&app);
    let first = app.submit(&waits_at(&gate)).await;
    first.until_state("running").await;
    let second = app.submit(&json!({"bundle": "ping"})).await;
    let third = app.submit(&json!({"bundle": "ping"})).await;
    let path = format!("/v1/jobs/{}", third["id"].as_str().expect("an id"));
    let waiting = app.get(&path, 200).await["waiting"].clone();
    assert_eq!(waiting["position"], 1);
    assert_eq!(waiting["capacity"], json!({"running": 1, "max": 1, "at_work": 1, "most": 1}));

    let queue = app.get("/v1/queue", 200).await;
    assert_eq!(queue["running"][0]["id"], first["id"]);
    let waiting: Vec<&Value> =
        queue["queued"].as_array().expect("a list").iter().map(|job| &job["id"]).collect();
    assert_eq!(waiting, [&second["id"], &third["id"]]);
    gate.open();
    for job in [&first, &second, &third] {
        job.until_state("succeeded").await;
    }
}

#[tokio::test]
async fn a_job_of_higher_priority_goes_first() {
    let app = one_place();
    let gate = Gate::new(&app);
    let first = app.submit(&waits_at(&gate)).await;
    first.until_state("running").await;
    let low = app.submit(&json!({"bundle": "ping"})).await;
    let high = app.submit(&json!({"bundle": "ping", "priority": 50})).await;
    gate.open();
    let low = low.until_state("succeeded").await;
    let high = high.until_state("succeeded").await;
    assert!(high["started_at"].as_str() < low["started_at"].as_str(), "{high:#} {low:#}");
}

#[tokio::test]
async fn jobs_that_name_the_same_resource_never_run_together_and_others_pass() {
    let app = Setup::without_ansible().set("RANGEHAND__RUNS__MAX_CONCURRENT", "3").start();
    let gate = Gate::new(&app);
    let mut request = waits_at(&gate);
    request["resources"] = json!(["vm:pve1/1000", "host:a"]);
    let holder = app.submit(&request).await;
    holder.until_state("running").await;
    let blocked = json!({"bundle": "ping", "resources": ["vm:pve1/1000"]});
    let blocked = app.submit(&blocked).await;
    let free = app.run(&json!({"bundle": "ping", "resources": ["vm:pve1/1001"]})).await;
    assert_eq!(free["state"], "succeeded");

    let shown = app.get(&format!("/v1/jobs/{}", blocked["id"].as_str().expect("an id")), 200).await;
    assert_eq!(shown["state"], "queued");
    let blockers = json!([{"resource": "vm:pve1/1000", "job": holder["id"], "holds": true}]);
    assert_eq!(shown["waiting"]["blockers"], blockers);
    gate.open();
    let holder = holder.until_state("succeeded").await;
    let blocked = blocked.until_state("succeeded").await;
    assert!(blocked["started_at"].as_str() >= holder["finished_at"].as_str(), "{holder:#} {blocked:#}");
}

#[tokio::test]
async fn what_the_queue_cannot_use_is_refused_by_name() {
    let app = TestApp::without_ansible();
    for (field, value) in [
        ("priority", json!(101)),
        ("priority", json!("high")),
        ("resources", json!(["no kind"])),
        ("resources", json!("vm:1")),
        ("labels", json!({"bad key": "x"})),
        ("labels", json!(["x"])),
        ("retry", json!({"on": ["lost"], "max_attempts": 1})),
        ("retry", json!({"on": ["succeeded"], "max_attempts": 2})),
        ("start_at_task", json!("a\nb")),
    ] {
        let mut request = json!({"bundle": "ping"});
        request[field] = value;
        let problem = app.post("/v1/jobs", &request, 422).await;
        assert_eq!(problem["errors"][0]["field"], field, "{problem:#}");
    }
}

#[tokio::test]
async fn jobs_that_share_a_resource_run_together_and_block_exclusive_use() {
    let app = Setup::without_ansible().set("RANGEHAND__RUNS__MAX_CONCURRENT", "3").start();
    let gate = Gate::new(&app);
    let mut request = waits_at(&gate);
    request["resources"] = json!([{"name": "vm:pve1/1000", "mode": "shared"}]);
    let one = app.submit(&request).await;
    let two = app.submit(&request).await;
    assert_eq!(one["request"]["resources"], request["resources"]);
    for job in [&one, &two] {
        job.until_state("running").await;
    }
    let alone = json!({"bundle": "ping", "resources": [{"name": "vm:pve1/1000", "mode": "exclusive"}]});
    let alone = app.submit(&alone).await;
    assert_eq!(alone["request"]["resources"], json!(["vm:pve1/1000"]));
    let path = format!("/v1/jobs/{}", alone["id"].as_str().expect("an id"));
    let shown = app.get(&path, 200).await;
    assert_eq!(shown["state"], "queued");
    let mut holders = [&one["id"], &two["id"]];
    holders.sort_by_key(|id| id.as_str());
    let blockers = holders.map(|job| json!({"resource": "vm:pve1/1000", "job": job, "holds": true}));
    assert_eq!(shown["waiting"]["blockers"], json!(blockers));
    gate.open();
    for job in [&one, &two, &alone] {
        job.until_state("succeeded").await;
    }
    let odd = json!({"bundle": "ping", "resources": [{"name": "vm:a", "mode": "mine"}]});
    let problem = app.post("/v1/jobs", &odd, 422).await;
    assert_eq!(problem["errors"][0]["field"], "resources", "{problem:#}");
}

#[tokio::test]
async fn what_a_thing_holds_beyond_jobs_is_shown_and_waited_for() {
    let app = TestApp::without_ansible();
    let hold = "INSERT INTO resource_owners (resource, owner, shared) VALUES ('vm:pve1/7', 'range:alpha', 0)";
    sql(&app, hold);
    let job = app.submit(&json!({"bundle": "ping", "resources": ["vm:pve1/7"]})).await;
    let queue = app.get("/v1/queue", 200).await;
    let lock = json!({"owner": "range:alpha", "resource": "vm:pve1/7", "mode": "exclusive"});
    assert_eq!(queue["owner_locks"], json!([lock]));
    let blocker = json!({"resource": "vm:pve1/7", "job": null, "owner": "range:alpha", "holds": true});
    assert_eq!(queue["queued"][0]["waiting"]["blockers"], json!([blocker]));
    sql(&app, "DELETE FROM resource_owners");
    job.until_state("succeeded").await;
    assert_eq!(app.get("/v1/queue", 200).await["owner_locks"], json!([]));
}
