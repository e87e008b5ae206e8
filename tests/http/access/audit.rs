//! The audit log: which entries are recorded, and that changes are detected.

use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{
    Setup, TestApp,
    access::{call, call_as, printed, problem, run, status, token, with_tokens},
    sql, until,
};

fn records(app: &TestApp, more: &[&str]) -> Vec<Value> {
    let arguments = [&["audit", "list", "--json"], more].concat();
    printed(app, &arguments).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

async fn until_records(app: &TestApp, count: usize) -> Vec<Value> {
    until("the records are there", || records(app, &[]).len() >= count).await;
    records(app, &[])
}

#[tokio::test]
async fn a_change_is_written_down_before_and_after_it_happens() {
    let app = with_tokens(Setup::without_ansible());
    let operator = token(&app, "operator");
    let secret = "a-value-that-is-never-recorded";
    let body = json!({"bundle": "ping", "limit": "localhost", "extra_vars": {"x": secret}}).to_string();
    let path = format!("/v1/jobs?wait={}", testkit::WAIT_LIMIT.as_secs());
    let headers = [("authorization", format!("Bearer {operator}")), ("x-request-id", "req-1".to_owned())];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let response = call(&app, "POST", &path, &headers, Some(&body)).await;
    assert_eq!(response.status(), 200);
    let job: Value = response.json().await.expect("JSON");
    let records = until_records(&app, 3).await;
    let [made, intent, result] = records.as_slice() else { panic!("{records:#?}") };
    assert_eq!((&made["kind"], &made["route"]), (&json!("command"), &json!("token create operator")));
    for record in [intent, result] {
        let found =
            ["caller", "role", "peer", "forwarded", "request", "method", "route"].map(|name| &record[name]);
        let wanted = json!(["operator", "operator", "127.0.0.1", null, "req-1", "POST", "/v1/jobs"]);
        assert_eq!(json!(found), wanted, "{record}");
        assert_eq!(record["via"], format!("token:{}", &operator[3..15]));
    }
    let (kind, found) =
        (|record: &Value| record["kind"].clone(), |record: &Value, name: &str| record[name].clone());
    assert_eq!((kind(intent), found(intent, "status")), (json!("intent"), Value::Null));
    assert_eq!((kind(result), found(result, "status")), (json!("result"), json!(200)));
    assert_eq!((found(result, "job"), found(result, "intent")), (job["id"].clone(), found(intent, "seq")));
    let id = job["id"].as_str().expect("an id");
    assert_eq!(self::records(&app, &["--job", id]).len(), 1);
    assert_eq!(self::records(&app, &["--caller", "absent"]).len(), 0);
    let all = printed(&app, &["audit", "list"]) + &printed(&app, &["audit", "list", "--json"]);
    assert!(!all.contains(secret) && !all.contains(&operator[16..]), "{all}");
}

#[tokio::test]
async fn a_read_is_not_in_the_audit_log_and_a_rejected_change_is() {
    let app = with_tokens(Setup::without_ansible());
    let viewer = token(&app, "viewer");
    assert_eq!(call_as(&app, &viewer, "GET", "/v1/jobs", None).await.status(), 200);
    assert_eq!(call_as(&app, &viewer, "POST", "/v1/jobs", Some("{}")).await.status(), 403);
    let records = until_records(&app, 2).await;
    let [_, denied] = records.as_slice() else { panic!("{records:#?}") };
    let found = (&denied["kind"], &denied["caller"], &denied["status"]);
    assert_eq!(found, (&json!("denied"), &json!("viewer"), &json!(403)));
}

#[tokio::test]
async fn calls_of_v0_are_written_down_with_their_job() {
    let app = TestApp::without_ansible();
    let body = json!({"proxmox_node": "px-testing", "hosts": "localhost"});
    let response = app.send(Method::POST, "/v0/admin/debug/ping", Some(&body)).await;
    let job = response.headers()["x-rangehand-job"].to_str().expect("text").to_owned();
    let records = until_records(&app, 2).await;
    let found = (&records[1]["job"], &records[1]["route"], &records[1]["caller"], &records[1]["via"]);
    assert_eq!(found, (&json!(job), &json!("/v0/admin/debug/ping"), &json!("anybody"), &json!("none")));
}

#[tokio::test]
async fn an_edited_a_missing_and_a_rewritten_record_are_found() {
    let app = TestApp::without_ansible();
    for _ in 0..4 {
        assert_eq!(call(&app, "POST", "/v1/jobs", &[], Some("{")).await.status(), 400);
    }
    until_records(&app, 8).await;
    let verify = |more: &[&str]| run(&app, &[&["audit", "verify"], more].concat());
    let found = |more: &[&str]| {
        let output = verify(more);
        (output.status.success(), String::from_utf8(output.stdout).expect("UTF-8"))
    };
    let (is_intact, text) = found(&[]);
    assert!(is_intact && text.starts_with("intact up to entry 8:"), "{text}");
    let noted = text.trim().rsplit(' ').next().expect("a record").to_owned();
    assert!(found(&["--known", &noted]).0);

    sql(&app, "UPDATE audit SET caller = 'another' WHERE seq = 3");
    assert_eq!(found(&[]), (false, "broken at entry 3: the record is not as it was written\n".to_owned()));
    sql(&app, "UPDATE audit SET caller = 'anybody' WHERE seq = 3");
    assert!(found(&[]).0, "as it was");

    sql(&app, "DELETE FROM audit WHERE seq = 8");
    assert_eq!(found(&[]), (false, "broken at entry 8: the record is not there\n".to_owned()));
    sql(&app, "UPDATE audit_head SET seq = 7, hash = (SELECT hash FROM audit WHERE seq = 7)");
    assert!(found(&[]).0, "with write access to all tables the end can be cut off ...");
    let (is_intact, text) = found(&["--known", &noted, "--json"]);
    assert!(!is_intact && text.contains("\"broken_at\":8"), "... unless its hash was noted: {text}");
}

#[tokio::test]
async fn nothing_is_changed_when_the_audit_cannot_be_written() {
    let app = TestApp::without_ansible();
    sql(&app, "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no room'); END");
    let body = json!({"bundle": "ping", "limit": "localhost"});
    let refused = app.send(Method::POST, "/v1/jobs", Some(&body)).await;
    assert_eq!(problem(refused, 503).await, "audit_unavailable");
    let v0 = app.send(Method::POST, "/v0/admin/debug/ping", Some(&json!({"hosts": "localhost"}))).await;
    assert_eq!(v0.status(), 503);
    assert!(v0.json::<Value>().await.expect("JSON")["detail"].is_string());
    let jobs = app.get("/v1/jobs", 200).await;
    assert_eq!(jobs["items"], json!([]), "reads still work, and no job was created");
    assert!(!run(&app, &["token", "create", "--name", "x", "--role", "admin"]).status.success());
    sql(&app, "DROP TRIGGER full");
    assert_eq!(app.run(&body).await["state"], "succeeded");
    assert_eq!(status(&app, "/healthz", &[]).await, 200);
}

#[tokio::test]
async fn a_setting_lets_the_oldest_records_go_and_the_rest_is_one_chain() {
    let mut app = Setup::without_ansible().start();
    for _ in 0..60 {
        assert_eq!(call(&app, "POST", "/v1/jobs", &[], Some("{")).await.status(), 400);
    }
    until_records(&app, 120).await;
    let verify = |app: &TestApp| printed(app, &["audit", "verify"]);
    assert!(verify(&app).starts_with("intact up to entry 120:"), "without the setting all are kept");
    app.stop();
    std::fs::write(app.home().join("rangehand.toml"), "[history]\nkeep_audit_records = 5\n")
        .expect("writable");
    app.start_again();
    until("old entries are deleted", || verify(&app).contains("up to entry 115\n")).await;
    assert!(verify(&app).contains("intact up to entry 121:"), "{}", verify(&app));
    let left = records(&app, &[]);
    assert_eq!((left.len(), &left[0]["seq"], &left[5]["kind"]), (6, &json!(116), &json!("removed")));
    sql(&app, "DELETE FROM audit WHERE seq = 116");
    let output = run(&app, &["audit", "verify"]);
    assert!(!output.status.success());
    let found = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(found.contains("broken at entry 116: the record is not there"), "{found}");
}

/// What no more fits on.
struct FullDisk(std::path::PathBuf);

impl FullDisk {
    /// A small file system in memory at this place; only root can mount one.
    fn mount(at: &std::path::Path) -> Option<Self> {
        std::fs::create_dir_all(at).expect("writable");
        let mount = ["-t", "tmpfs", "-o", "size=4m,mode=0700", "tmpfs"];
        let mounted = Command::new("mount").args(mount).arg(at).output();
        let is_there = mounted.is_ok_and(|output| output.status.success());
        is_there.then(|| Self(at.to_owned()))
    }

    /// Takes what room is left.
    fn fill(&self) {
        let mut file = std::fs::File::create(self.0.join("filling")).expect("a file");
        while std::io::Write::write_all(&mut file, &[1; 4096]).is_ok() {}
    }

    fn make_room(&self) {
        std::fs::remove_file(self.0.join("filling")).expect("it is there");
    }
}

impl Drop for FullDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "a test that shows nothing must not look like one that does")]
async fn on_a_full_disk_nothing_is_changed_and_reads_still_work() {
    let setup = Setup::without_ansible();
    let Some(disk) = FullDisk::mount(&setup.home().join("var")) else {
        eprintln!("NOT TESTED: the audit on a full disk: no file system can be mounted here (root may)");
        return;
    };
    let mut app = setup.start();
    let before = until_records(&app, 0).await.len();
    disk.fill();
    let body = json!({"bundle": "ping", "limit": "localhost"});
    let refused = app.send(Method::POST, "/v1/jobs", Some(&body)).await;
    assert_eq!(problem(refused, 503).await, "audit_unavailable");
    let v0 = app.send(Method::POST, "/v0/admin/debug/ping", Some(&json!({"hosts": "localhost"}))).await;
    assert_eq!(v0.status(), 503);
    assert_eq!(
        app.get("/v1/jobs", 200).await["items"],
        json!([]),
        "reads still work, and no job was created"
    );
    assert!(!run(&app, &["token", "create", "--name", "x", "--role", "admin"]).status.success());
    disk.make_room();
    assert_eq!(app.run(&body).await["state"], "succeeded");
    let records = until_records(&app, before + 2).await;
    let tokens = records.iter().filter(|record| record["kind"] == "command").count();
    assert_eq!(tokens, 0, "a token that was not created is not recorded: {records:#?}");
    assert!(run(&app, &["audit", "verify"]).status.success());
    until("the run is over", || app.run_directories().is_empty()).await;
    app.stop();
    // Before the directory that it is mounted in goes.
    drop(disk);
}

#[tokio::test]
async fn a_result_is_written_at_a_stop_too() {
    let mut app = Setup::without_ansible().start();
    for _ in 0..3 {
        assert_eq!(call(&app, "POST", "/v1/jobs", &[], Some("{")).await.status(), 400);
    }
    app.stop();
    assert_eq!(records(&app, &[]).len(), 6, "each intent has its result");
    app.start_again();
}
