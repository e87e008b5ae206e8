//! Files that a run wrote in its content.

use reqwest::Method;
use serde_json::json;
use testkit::Setup;

use super::{Way, playbook, succeed};

const REPORTS: &str = r#"    - ansible.builtin.shell: |
        set -e
        cd {{ playbook_dir }}
        mkdir -p reports/deep __pycache__ .ansible
        printf 'all is well\n' > 'reports/summary of ü.txt'
        printf '\000\001\002' > reports/deep/data.bin
        printf 'password: %s\n' "$SECRET" > reports/leak.yml
        echo x > "reports/of $SECRET.txt"
        echo x > __pycache__/x.pyc
        echo x > .ansible/x
        echo x > site.retry
        echo more >> files/known.txt
        chmod 600 files/untouched.txt
        ln -s /etc/passwd reports/passwd
        mkfifo reports/pipe
      environment: {SECRET: "{{ secret }}"}
    - ansible.builtin.shell: echo of another root > {{ inventory_dir }}/made.txt
"#;

pub(crate) async fn assert_artifacts_are_kept(setup: Setup, way: Way) {
    setup.write("playbooks/reports.yml", &playbook(REPORTS));
    setup.write("playbooks/files/known.txt", "known\n");
    setup.write("playbooks/files/untouched.txt", "as it was\n");
    let app = setup.start();
    let request = json!({
        "playbook": "reports", "limit": "localhost", "secret_vars": {"secret": "correct-horse-battery"},
    });
    let job = app.run(&request).await;
    assert_eq!(job["state"], "succeeded", "{way:?}: {job:#}\n{}", job.log().await);
    let of_job = format!("/v1/jobs/{}/artifacts", job["id"].as_str().expect("an id"));
    let list = app.get(&of_job, 200).await;
    let paths: Vec<&str> = list["artifacts"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|entry| entry["path"].as_str())
        .collect();
    let expected =
        ["files/known.txt", "reports/deep/data.bin", "reports/summary of ü.txt", "inventory/made.txt"];
    assert_eq!(paths, expected, "{way:?}: {list:#}");
    assert_eq!(list["artifacts"][1]["size"], 3, "{list:#}");
    assert_eq!((&list["here"], &list["files"]), (&json!(true), &json!(4)));
    let omitted = |path: &str, reason: &str| json!({"path": path, "reason": reason, "why": reason});
    let omitted = json!([
        omitted("reports/leak.yml", "it holds a secret of the run"),
        omitted("reports/of ***.txt", "its path holds a secret of the run"),
    ]);
    assert_eq!((&list["omitted"], &list["left_out"]), (&omitted, &omitted), "{list:#}");
    assert_eq!(list["local"], list["here"]);
    let events = job.events().await;
    let is_named = |event: &serde_json::Value| {
        event["kind"] == "warning"
            && event["data"]["message"].as_str().is_some_and(|text| text.contains("reports/leak.yml"))
    };
    assert!(events.iter().any(is_named), "{way:?}");
    assert!(events.iter().any(|event| event["kind"] == "artifacts" && event["data"]["files"] == 4));

    let response = app.send(Method::GET, &format!("{of_job}/reports/summary%20of%20%C3%BC.txt"), None).await;
    assert_eq!(response.status(), 200);
    let header = |name: &str| response.headers()[name].to_str().expect("ASCII").to_owned();
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(header("content-disposition").starts_with("attachment; "), "{}", header("content-disposition"));
    assert_eq!(response.text().await.expect("text"), "all is well\n");
    let response = app.send(Method::GET, &format!("{of_job}/files%2Fknown.txt"), None).await;
    assert_eq!(response.text().await.expect("text"), "known\nmore\n");
    for missing in [
        "reports/leak.yml",
        "reports/of%20correct-horse-battery.txt",
        "../index.json",
        "..%2Findex.json",
        "reports/passwd",
        "reports",
    ] {
        let response = app.send(Method::GET, &format!("{of_job}/{missing}"), None).await;
        assert_eq!(response.status(), 404, "{missing}");
    }

    let (id, stored) = (job["id"].as_str().expect("an id"), app.home().join("var/artifacts"));
    assert!(stored.join(id).is_dir());
    let deleted = app.send(Method::DELETE, &format!("/v1/jobs/{id}"), None).await;
    assert!(deleted.status().is_success());
    assert!(!stored.join(id).exists());
}

#[tokio::test]
async fn files_that_a_run_leaves_in_its_content_are_listed_and_downloaded() {
    for way in Way::all() {
        assert_artifacts_are_kept(way.setup(), way).await;
    }
}

#[tokio::test]
async fn artifacts_beyond_the_limit_of_a_job_are_named_and_not_kept() {
    let setup = Way::Warm.setup().set("RANGEHAND__RUNS__ARTIFACTS_MAX_BYTES", "100");
    let tasks = "    - ansible.builtin.shell: cd {{ playbook_dir }} && head -c 60 /dev/zero > a && head -c 60 /dev/zero > b\n";
    setup.write("playbooks/large.yml", &playbook(tasks));
    let app = setup.start();
    let (job, _) = succeed(&app, "large", json!({})).await;
    let list = app.get(&format!("/v1/jobs/{}/artifacts", job["id"].as_str().expect("an id")), 200).await;
    assert_eq!(
        (&list["artifacts"][0]["path"], &list["left_out"][0]["path"]),
        (&json!("a"), &json!("b")),
        "{list:#}"
    );
}
