//! Calls that fail, and services that are killed, while a range of guests is created and destroyed.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{POLL, Setup, TestApp, WAIT_LIMIT, template, until};

use super::{
    super::{Range, waiting},
    Foreign, assert_nothing_left, control_groups, office, start,
};

/// Calls that make, start and await the parts of the range, with the parts.
const CALLS: [(&str, &[&str]); 5] = [
    ("ensure_network", &["dmz", "inside"]),
    ("ensure_machine", &["gw", "web", "db"]),
    ("ensure_rules", &["gw"]),
    ("power", &["gw", "web", "db"]),
    ("wait", &["gw", "web", "db"]),
];

/// Each of these calls has this effect once.
fn once_each(calls: &[(&str, &[&str])], effect: &Value) -> Vec<Value> {
    let one = |call: &str, thing: &str| json!({"call": call, "thing": thing, "times": 1, "effect": effect});
    calls.iter().flat_map(|(call, things)| things.iter().map(|thing| one(call, thing))).collect()
}

/// A service whose jobs run no Ansible, with these faults.
fn faulty(faults: &[Value]) -> Setup {
    Setup::without_ansible()
        .set("RANGEHAND__PLATFORMS__LOCAL__FAULTS", json!(faults).to_string())
        .set("RANGEHAND__RANGES__SETTLE_S", "0")
}

async fn create(app: &TestApp, document: &Value) -> Value {
    app.post(&waiting("/v1/ranges"), document, 200).await
}

#[tokio::test]
async fn whichever_step_of_guests_is_refused_the_plan_is_undone_and_foreign_things_stay() {
    let faults = once_each(&CALLS, &json!({"refuse": "refused on purpose"}));
    let setup = faulty(&faults).set("RANGEHAND__RANGES__MAX_CONCURRENT_STEPS", "1");
    let Some(app) = start(setup).await else { return };
    let Some(template) = template() else { return };
    let foreign = Foreign::plant(&template);
    let runs =
        || Some(foreign.process()).is_some_and(|found| found.contains("sleep") && !found.contains("nspawn"));
    until("the foreign guest runs", runs).await;
    let before = foreign.list();
    // One step at once: each attempt comes to the next fault.
    for attempt in 0..faults.len() {
        let change = create(&app, &office(111)).await;
        let job = &change["job"];
        assert_eq!(job["state"], "failed", "{attempt}: {change:#}");
        assert!(job["reason"]["message"].to_string().contains("refused on purpose"), "{attempt}: {job:#}");
        assert_eq!(
            (&job["range"]["done"], &job["range"]["left"]),
            (&json!(0), &json!([])),
            "{attempt}: {job:#}"
        );
        assert_nothing_left(&app, &[]).await;
        assert_eq!(foreign.list(), before, "{attempt}");
    }
    // A guest that never becomes ready says so by its own limit, with its console.
    let mut document = office(111);
    document["ready"] = json!({"web": {"tcp": 9, "within": "3s"}});
    let change = create(&app, &document).await;
    let why = change["job"]["reason"]["message"].as_str().expect("a reason");
    assert!(why.contains("machine `web` is not ready after 3 s: cannot connect to port 9"), "{why}");
    assert!(why.contains("the last lines of its console: ") && !why.contains('\u{1b}'), "{why}");
    assert!(why.contains("systemd") || why.contains("Reached target") || why.contains("Started"), "{why}");
    assert_nothing_left(&app, &[]).await;
    assert_eq!(foreign.list(), before);
}

#[tokio::test]
async fn a_range_of_guests_whose_calls_are_carried_out_without_an_answer_is_created_once() {
    let mut faults = once_each(&CALLS, &json!("timeout_after"));
    faults.extend(once_each(&[("remove", &["dmz", "inside", "gw", "web", "db"])], &json!("timeout_after")));
    let Some(app) = start(faulty(&faults)).await else { return };
    let range = Range::create(&app, &office(112)).await;
    let plan = app.get("/v1/ranges/office/plan", 200).await;
    assert!(plan["steps"].as_array().expect("steps").iter().all(|step| step["state"] == "done"), "{plan:#}");
    assert_eq!(
        app.get("/v1/ranges/office/drift", 200).await["items"],
        json!([]),
        "nothing was created twice"
    );
    let groups = control_groups(&app, &["web", "db"]);
    range.destroy().await;
    assert_nothing_left(&app, &groups).await;
}

/// Kills the service whenever the journal of the plan has changed, until the job has ended. Returns how often.
async fn kill_again_and_again(app: &mut TestApp, job: &str) -> usize {
    let path = format!("/v1/jobs/{job}");
    let (mut kills, mut before) = (0, String::new());
    let begun = std::time::Instant::now();
    loop {
        assert!(begun.elapsed() < WAIT_LIMIT, "still running after {kills} kills");
        let state = app.get(&path, 200).await["state"].clone();
        if state != "running" && state != "queued" {
            assert_eq!(state, "succeeded", "after {kills} kills");
            return kills;
        }
        let response = app.send(Method::GET, "/v1/ranges/office/plan", None).await;
        let plan: Value = response.json().await.expect("JSON");
        let steps = plan["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
        let journal: String = steps.iter().map(|step| step["state"].to_string()).collect();
        if journal == before {
            tokio::time::sleep(POLL).await;
            continue;
        }
        before = journal;
        app.kill();
        app.start_again();
        kills += 1;
    }
}

#[tokio::test]
async fn a_range_of_guests_is_created_and_destroyed_by_a_service_that_is_killed_again_and_again() {
    // A call that was interrupted may still start a machine.
    let setup = faulty(&[]).set("RANGEHAND__RANGES__SETTLE_S", "1");
    let Some(mut app) = start(setup).await else { return };
    let id = |change: &Value| change["job"]["id"].as_str().expect("an ID").to_owned();
    let change = app.post("/v1/ranges", &office(113), 202).await;
    let kills = kill_again_and_again(&mut app, &id(&change)).await;
    assert!(kills > 5, "{kills}");
    assert_eq!(app.get("/v1/ranges/office", 200).await["state"], "ready");
    assert_eq!(
        app.get("/v1/ranges/office/drift", 200).await["items"],
        json!([]),
        "nothing was created twice"
    );
    let groups = control_groups(&app, &["web", "db"]);
    let response = app.send(Method::DELETE, "/v1/ranges/office", None).await;
    let change: Value = response.json().await.expect("JSON");
    let kills = kill_again_and_again(&mut app, &id(&change)).await;
    assert!(kills > 0, "{kills}");
    assert_nothing_left(&app, &groups).await;
}
