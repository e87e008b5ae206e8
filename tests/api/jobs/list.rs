//! The list of jobs.

use serde_json::{Value, json};
use testkit::TestApp;

#[tokio::test]
async fn jobs_are_listed_newest_first_by_pages_and_by_state() {
    let app = TestApp::new();
    let run = async |request: Value| (*app.run(&request).await).clone();
    let good = run(json!({"bundle": "ping"})).await;
    let mut jobs = vec![good];
    for _ in 0..4 {
        // Ends before Ansible is started.
        jobs.push(run(json!({"bundle": "ping", "inventory": "nowhere"})).await);
    }
    jobs.reverse();
    // Outcomes are returned only for single jobs.
    for job in &mut jobs {
        let members = job.as_object_mut().expect("a job");
        members.retain(|name, _| {
            let of_outcome =
                ["stats", "failures", "failures_omitted", "failures_left_out", "processes_killed"];
            let of_run = ["executor", "isolation", "protections"];
            !of_outcome.iter().chain(&of_run).any(|member| *member == name.as_str())
        });
    }
    let good = jobs[4].clone();
    let whole = app.get("/v1/jobs", 200).await;
    assert_eq!(whole, json!({"items": jobs, "next": null}));

    let (mut pages, mut query) = (Vec::new(), "limit=2".to_owned());
    loop {
        let page = app.get(&format!("/v1/jobs?{query}"), 200).await;
        let items = page["items"].as_array().expect("items");
        assert!(items.len() <= 2, "{page:#}");
        pages.extend(items.iter().cloned());
        let Some(next) = page["next"].as_str() else { break };
        query = format!("limit=2&before={next}");
    }
    assert_eq!(pages, jobs);

    let failed = app.get("/v1/jobs?state=failed&limit=3", 200).await;
    assert_eq!(failed["items"], json!(jobs[..3]));
    let rest = format!("/v1/jobs?state=failed&before={}", failed["next"].as_str().expect("more"));
    assert_eq!(app.get(&rest, 200).await, json!({"items": jobs[3..4], "next": null}));
    assert_eq!(app.get("/v1/jobs?state=succeeded", 200).await["items"], json!([good]));
    assert_eq!(app.get("/v1/jobs?state=queued", 200).await["items"], Value::Array(Vec::new()));
}
