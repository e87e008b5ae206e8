//! Hosts over real SSH with host-key checking, which `tests/lab/ssh.sh` creates.

use serde_json::{Value, json};
use testkit::{
    Gate, Job, Setup, TestApp, processes_with,
    ssh_lab::{self, HOSTS},
    until,
};

/// A service that has the lab's inventories.
fn app() -> TestApp {
    ssh_lab::with_inventories(Setup::new().set("RANGEHAND__RUNS__MAX_CONCURRENT", "3")).start()
}

fn request(inventory: &str) -> Value {
    json!({"bundle": "remote", "inventory": inventory})
}

/// The masters of SSH connections that runs of this service keep open.
fn masters(app: &TestApp) -> Vec<String> {
    let runtime = app.runtime().to_str().expect("UTF-8");
    processes_with(runtime).into_iter().filter(|process| process.contains("ssh: ")).collect()
}

/// Shows that the first host was refused for its key, and that the others did everything.
async fn assert_refused_for_its_key(job: &Job) {
    assert_eq!(job["state"], "failed", "{job:#}");
    assert_eq!(job["reason"]["code"], "host_unreachable");
    assert!(job["reason"]["message"].as_str().is_some_and(|text| text.contains("lab-1")), "{job:#}");
    let failures = job["failures"].as_array().expect("a list");
    assert_eq!(failures.len(), 1, "{job:#}");
    assert_eq!((&failures[0]["host"], &failures[0]["unreachable"]), (&json!("lab-1"), &json!(true)));
    let message = failures[0]["message"].as_str().expect("a text");
    assert!(message.contains("Host key verification failed"), "{message}");
    assert_eq!((&job["stats"]["lab-1"]["unreachable"], &job["stats"]["lab-1"]["ok"]), (&json!(1), &json!(0)));
    for host in ["lab-2", "lab-3"] {
        assert_all_done(&job["stats"][host]);
    }
    let results = job.results().await;
    assert_eq!(hosts(&results), ["lab-2", "lab-3"]);
}

/// Two tasks on every host, and a third, the gate's, on the first.
fn assert_all_done(stats: &Value) {
    assert!(stats["ok"].as_u64().is_some_and(|ok| ok >= 2), "{stats}");
    assert_eq!((&stats["failed"], &stats["unreachable"]), (&json!(0), &json!(0)));
}

/// The hosts that printed a result, sorted.
fn hosts(results: &Value) -> Vec<&str> {
    let results = results["remote"].as_array().expect("a value per host");
    let mut hosts: Vec<_> = results.iter().map(|result| result["host"].as_str().expect("a name")).collect();
    hosts.sort_unstable();
    hosts
}

#[tokio::test]
async fn three_hosts_over_ssh_give_their_own_statistics_and_results() {
    let app = app();
    let job = app.run(&request("lab")).await;
    assert_eq!((&job["state"], &job["rc"]), (&json!("succeeded"), &json!(0)), "{job:#}");
    let results = job.results().await;
    assert_eq!(hosts(&results), HOSTS);
    let places = ssh_lab::places();
    for result in results["remote"].as_array().expect("a value per host") {
        let host = result["host"].as_str().expect("a name");
        let number = host.strip_prefix("lab-").expect("a name of the lab");
        assert_eq!(result["address"], places[&format!("LAB_{number}_ADDRESS")], "{result}");
        assert_eq!(result["port"], places[&format!("LAB_{number}_PORT")], "{result}");
    }
    for host in HOSTS {
        assert_all_done(&job["stats"][host]);
    }
    let events = job.events().await;
    for host in HOSTS {
        let done = |event: &&Value| event["kind"] == "runner_on_ok" && event["host"] == host;
        assert!(events.iter().filter(done).count() >= 2, "{host}");
    }
}

#[tokio::test]
async fn a_limit_leaves_the_other_hosts_alone() {
    let app = app();
    let mut request = request("lab");
    request["limit"] = json!("lab-2");
    let job = app.run(&request).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert_eq!(hosts(&job.results().await), ["lab-2"]);
    assert!(job["stats"]["lab-1"].is_null() && job["stats"]["lab-3"].is_null());
}

#[tokio::test]
async fn a_host_with_another_key_than_the_known_one_is_unreachable_even_right_after_a_good_run() {
    let app = app();
    let job = app.run(&request("lab")).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let job = app.run(&request("lab_wrong_key")).await;
    assert_refused_for_its_key(&job).await;
}

#[tokio::test]
async fn a_host_with_another_key_is_unreachable_while_another_run_is_connected_to_it() {
    let app = app();
    let gate = Gate::new(&app);
    let mut held = request("lab");
    held["extra_vars"] = json!({"gate": gate.path()});
    let held = app.submit(&held).await;
    held.until_task("Wait for the gate").await;
    assert_eq!(masters(&app).len(), 3, "the run has a connection to each host");

    let job = app.run(&request("lab_wrong_key")).await;
    assert_refused_for_its_key(&job).await;
    assert_eq!(masters(&app).len(), 3, "the run that has ended took its connections along, and only those");

    gate.open();
    let held = held.until_state("succeeded").await;
    assert_eq!(hosts(&held.results().await), HOSTS);
    assert_eq!(masters(&app), Vec::<String>::new(), "connections are left");
}

#[tokio::test]
async fn one_unreachable_host_is_named_and_the_others_do_their_work() {
    let app = app();
    let inventory = ssh_lab::inventory("lab.yml");
    // Nothing listens on port 1.
    let (before, rest) = inventory.split_once("ansible_port: ").expect("the port of the first host");
    let (_, after) = rest.split_once('\n').expect("more lines");
    app.write("inventory/lab_closed.yml", &format!("{before}ansible_port: 1\n{after}"));
    let job = app.run(&request("lab_closed")).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    assert_eq!(job["reason"]["code"], "host_unreachable");
    assert!(job["reason"]["message"].as_str().is_some_and(|text| text.contains("`lab-1`")), "{job:#}");
    let failures = job["failures"].as_array().expect("a list");
    assert_eq!(failures.len(), 1, "{job:#}");
    assert_eq!((&failures[0]["host"], &failures[0]["unreachable"]), (&json!("lab-1"), &json!(true)));
    assert_eq!(hosts(&job.results().await), ["lab-2", "lab-3"]);
}

#[tokio::test]
async fn a_canceled_run_leaves_no_connection() {
    let app = app();
    let gate = Gate::new(&app);
    let mut request = request("lab");
    request["extra_vars"] = json!({"gate": gate.path()});
    let job = app.submit(&request).await;
    job.until_task("Wait for the gate").await;
    until("there is a connection to each host", || masters(&app).len() == 3).await;
    assert_eq!(job.cancel().await["state"], "canceled");
    assert_eq!(masters(&app), Vec::<String>::new(), "connections are left");
}
