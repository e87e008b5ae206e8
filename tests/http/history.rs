//! Retention of jobs: what is kept, found, and deleted.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Gate, Setup, TestApp};

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().expect("a page").iter().map(|job| job["id"].as_str().expect("an id")).collect()
}

#[tokio::test]
async fn jobs_are_found_by_state_content_label_and_time() {
    let app = TestApp::without_ansible();
    let good = app.run(&json!({"bundle": "ping", "labels": {"team": "red", "exercise": "x 1"}})).await;
    let bad = app
        .run(&json!({"bundle": "failing", "extra_vars": {"fail": true}, "labels": {"team": "blue"}}))
        .await;
    let (good, bad) = (good["id"].as_str().expect("an id"), bad["id"].as_str().expect("an id"));
    let created = app.get(&format!("/v1/jobs/{bad}"), 200).await["created_at"].clone();
    let created = created.as_str().expect("a time");
    for (query, found) in [
        (String::new(), vec![bad, good]),
        ("state=failed".to_owned(), vec![bad]),
        ("kind=bundle&name=ping".to_owned(), vec![good]),
        ("label=team".to_owned(), vec![bad, good]),
        ("label=team=red".to_owned(), vec![good]),
        ("label=exercise=x%201&state=succeeded".to_owned(), vec![good]),
        ("label=team=red&state=failed".to_owned(), vec![]),
        (format!("created_after={created}"), vec![bad]),
        (format!("created_before={created}"), vec![good]),
        ("limit=1".to_owned(), vec![bad]),
        (format!("before={bad}"), vec![good]),
    ] {
        assert_eq!(ids(&app.get(&format!("/v1/jobs?{query}"), 200).await), found, "{query}");
    }
    for query in
        ["stat=failed", "state=done", "label=a%20b", "created_after=yesterday", "name=../x", "kind=role"]
    {
        app.get(&format!("/v1/jobs?{query}"), 422).await;
    }
}

#[tokio::test]
async fn a_job_that_has_ended_can_be_deleted_and_one_that_has_not_cannot() {
    let app = TestApp::without_ansible();
    let gate = Gate::new(&app);
    let job = app.submit(&json!({"bundle": "gate", "extra_vars": {"gate": gate.path()}})).await;
    let path = format!("/v1/jobs/{}", job["id"].as_str().expect("an id"));
    assert_eq!(app.send(Method::DELETE, &path, None).await.status(), 409);
    gate.open();
    job.until_state("succeeded").await;
    assert_eq!(app.send(Method::DELETE, &path, None).await.status(), 204);
    app.get(&path, 404).await;
    app.get(&format!("{path}/events"), 404).await;
    assert_eq!(app.send(Method::DELETE, &path, None).await.status(), 404);
}

/// Runs three jobs, executes a script on the database of the stopped service, and returns which jobs a setting keeps, once
/// there are no more than `most`.
async fn kept(most: usize, script: &str, setting: impl Fn(&str) -> String) -> (Vec<String>, Vec<String>) {
    let mut app = TestApp::without_ansible();
    let mut jobs = Vec::new();
    for _ in 0..3 {
        let job = app.run(&json!({"bundle": "ping"})).await;
        jobs.push(job["id"].as_str().expect("an id").to_owned());
    }
    app.stop();
    let database = app.home().join("var/rangehand.db");
    let script = format!("import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\n{script}\ndb.commit()");
    let output =
        std::process::Command::new("python3").args(["-c", &script]).arg(database).output().expect("python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let settings = format!("[history]\n{}\n", setting(&said));
    std::fs::write(app.home().join("rangehand.toml"), settings).expect("writable");
    app.start_again();
    // Old jobs are deleted at the start.
    let begun = std::time::Instant::now();
    loop {
        let page = app.get("/v1/jobs", 200).await;
        let left: Vec<String> = ids(&page).into_iter().map(str::to_owned).collect();
        if left.len() <= most {
            // Deleted jobs have no events either.
            for id in jobs.iter().filter(|id| !left.contains(id)) {
                app.get(&format!("/v1/jobs/{id}/events"), 404).await;
            }
            return (jobs, left);
        }
        assert!(begun.elapsed() < testkit::WAIT_LIMIT, "{page:#}");
    }
}

#[tokio::test]
async fn only_as_many_ended_jobs_are_kept_as_the_setting_says() {
    let (jobs, left) = kept(1, "", |_| "keep_jobs = 1".to_owned()).await;
    assert_eq!(left, [jobs[2].clone()]);
}

#[tokio::test]
async fn jobs_that_ended_too_long_ago_are_not_kept() {
    let aged = "db.execute('UPDATE jobs SET finished_at = finished_at - 2 * 86400000 WHERE id = \
                (SELECT MIN(id) FROM jobs)')";
    let (jobs, left) = kept(2, aged, |_| "keep_days = 1".to_owned()).await;
    assert_eq!(left, [jobs[2].clone(), jobs[1].clone()]);
}

#[tokio::test]
async fn no_more_bytes_of_events_are_kept_than_the_setting_says() {
    let newest = "print(db.execute('SELECT bytes FROM jobs ORDER BY id DESC').fetchone()[0])";
    let (jobs, left) = kept(1, newest, |bytes| format!("keep_bytes = {bytes}")).await;
    assert_eq!(left, [jobs[2].clone()]);
}

#[tokio::test]
async fn a_service_that_drains_waits_for_its_runs_before_it_ends() {
    let mut app = Setup::without_ansible().set("RANGEHAND__RUNS__DRAIN_S", "100").start();
    let job = app.submit(&json!({"bundle": "ping"})).await;
    job.until_state("running").await;
    app.stop();
    assert!(app.run_directories().is_empty(), "the run has ended and was recorded");
    app.start_again();
    let id = job["id"].as_str().expect("an id");
    assert_eq!(app.get(&format!("/v1/jobs/{id}"), 200).await["state"], "succeeded");
}
