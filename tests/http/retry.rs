//! Retries and idempotency keys.

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use testkit::{Gate, TestApp, until};

#[tokio::test]
async fn a_retry_is_a_new_attempt_of_the_same_job() {
    let app = TestApp::without_ansible();
    let gate = Gate::new(&app);
    gate.open();
    let request = json!({"bundle": "gate", "extra_vars": {"gate": gate.path(), "fail": true}});
    let failed = app.run(&request).await;
    assert_eq!((&failed["state"], &failed["attempt"]), (&json!("failed"), &json!(1)));
    let path = format!("/v1/jobs/{}/retry?wait=120", failed["id"].as_str().expect("an id"));
    let again = app.job(&app.post(&path, &Value::Null, 200).await);
    assert_eq!((&again["id"], &again["attempt"]), (&failed["id"], &json!(2)));
    assert_eq!(again["state"], "failed");
    let numbers: Vec<u64> =
        again.events().await.iter().map(|event| event["seq"].as_u64().expect("a number")).collect();
    assert_eq!(numbers, (1..=again["events"].as_u64().expect("a number")).collect::<Vec<_>>());
}

#[tokio::test]
async fn only_a_job_that_has_ended_is_retried() {
    let app = TestApp::without_ansible();
    let gate = Gate::new(&app);
    let job = app.submit(&json!({"bundle": "gate", "extra_vars": {"gate": gate.path()}})).await;
    job.until_state("running").await;
    let id = job["id"].as_str().expect("an id");
    let problem = app.post(&format!("/v1/jobs/{id}/retry"), &Value::Null, 409).await;
    assert_eq!(problem["code"], "wrong_state");
    gate.open();
    job.until_state("succeeded").await;
}

#[tokio::test]
async fn a_job_is_retried_by_its_own_policy_and_no_more_often_than_that() {
    let app = TestApp::without_ansible();
    let request = json!({"bundle": "failing", "extra_vars": {"fail": true}, "retry": {"on": ["failed"], "max_attempts": 3}});
    let job = app.submit(&request).await;
    let ended = loop {
        let job = job.wait().await;
        if job["attempt"] == 3 && job["state"] == "failed" {
            break job;
        }
    };
    let ends = ended.events().await.iter().filter(|event| event["data"]["to"] == "failed").count();
    assert_eq!(ends, 3);
    assert_eq!(job.read().await["state"], "failed");
}

async fn submit(app: &TestApp, key: &str, body: &Value) -> (StatusCode, Value) {
    let request = Client::new().post(format!("{}/v1/jobs", app.address())).header("idempotency-key", key);
    let response = request.json(body).send().await.expect("the service answers");
    (response.status(), response.json().await.expect("JSON"))
}

#[tokio::test]
async fn the_same_request_under_the_same_key_is_one_job_also_all_at_once() {
    let app = TestApp::without_ansible();
    // The order of members makes no difference.
    let bodies =
        [json!({"bundle": "ping", "limit": "localhost"}), json!({"limit": "localhost", "bundle": "ping"})];
    let submitted = (0..20).map(|n| submit(&app, "deploy-1", &bodies[n % 2]));
    let mut ids: Vec<String> = Vec::new();
    for (status, job) in futures_util::future::join_all(submitted).await {
        assert!(status.is_success(), "{status} {job:#}");
        ids.push(job["id"].as_str().expect("an id").to_owned());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    let jobs = app.get("/v1/jobs", 200).await;
    assert_eq!(jobs["items"].as_array().map(Vec::len), Some(1));
    app.job(&jobs["items"][0]).until_state("succeeded").await;
}

#[tokio::test]
async fn another_request_under_a_used_key_is_a_conflict() {
    let app = TestApp::without_ansible();
    let (_, job) = submit(&app, "key", &json!({"bundle": "ping"})).await;
    let (status, problem) = submit(&app, "key", &json!({"bundle": "ping", "check": true})).await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("idempotency_key_used")));
    let (status, problem) = submit(&app, "", &json!({"bundle": "ping"})).await;
    assert_eq!((status.as_u16(), &problem["errors"][0]["field"]), (422, &json!("Idempotency-Key")));
    app.job(&job).until_state("succeeded").await;
    until("the run's directory is deleted", || app.run_directories().is_empty()).await;
}

/// One of them queues the job. The others find it queued, running, or ended, whatever happens between their read and their write.
#[tokio::test]
async fn many_retries_at_once_are_accepted_or_refused() {
    let app = TestApp::without_ansible();
    let job = app.run(&json!({"bundle": "ping"})).await;
    let url = format!("{}/v1/jobs/{}/retry", app.address(), job["id"].as_str().expect("an id"));
    let client = Client::new();
    for _ in 0..10 {
        let retries: Vec<_> = (0..8).map(|_| tokio::spawn(client.post(&url).send())).collect();
        for retry in retries {
            let status = retry.await.expect("no panic").expect("an answer").status();
            assert!(matches!(status, StatusCode::ACCEPTED | StatusCode::CONFLICT), "{status}");
        }
        job.until_state("succeeded").await;
    }
}
