//! Schemathesis sends valid and invalid requests that it generates from the OpenAPI document, and compares the replies with it.
//!
//! `RANGEHAND_TEST_SCHEMATHESIS` names its program `st`. With `RANGEHAND_TORTURE` the test runs for minutes.

use std::{path::Path, process::Command};

use testkit::{TestApp, until_async};

use super::stub;

/// Options of all runs. One worker, because the parser of CPython 3.11 is not thread-safe. Bad requests can be accepted: v0 reads `"2"` as 2, v1 treats `null` as absent.
const OPTIONS: &[&str] = &[
    "--mode=all",
    "--suppress-health-check=all",
    "--generation-deterministic",
    "--no-shrink",
    "--request-timeout=60",
    "--workers=1",
];

fn is_long() -> bool {
    std::env::var_os("RANGEHAND_TORTURE").is_some()
}

#[tokio::test]
async fn v1_does_what_the_document_says() {
    let how = if is_long() {
        ["--phases=examples,coverage,fuzzing,stateful", "--max-examples=100"]
    } else {
        ["--phases=examples,coverage,fuzzing", "--max-examples=5"]
    };
    let checks = "--exclude-checks=negative_data_rejection";
    // Without Ansible the service is not ready, and a WebSocket is nothing for it.
    let which = "--exclude-path-regex=^/(v0|ws|readyz|api/|v1/ranges)";
    run(&[&how[..], &[checks, which]].concat()).await;
}

#[tokio::test]
async fn ranges_do_what_the_document_says() {
    let how = [
        "--phases=examples,coverage,fuzzing",
        if is_long() { "--max-examples=50" } else { "--max-examples=3" },
    ];
    // What a range document refers to is checked beyond its form: a body of the right form can be invalid.
    let checks = "--exclude-checks=negative_data_rejection,positive_data_acceptance";
    run(&[&how[..], &[checks, "--include-path-regex=^/(v1/ranges|api/)"]].concat()).await;
}

#[tokio::test]
async fn v0_does_what_the_document_says() {
    // Each call that is accepted runs something.
    let how = if is_long() {
        ["--phases=examples,coverage,fuzzing", "--max-examples=20"]
    } else {
        ["--phases=fuzzing", "--max-examples=1"]
    };
    // A run that fails is answered with 500; that one is documented. 1000.0 is an integer for a schema and none for v0.
    let checks = "--exclude-checks=negative_data_rejection,positive_data_acceptance,not_a_server_error";
    run(&[&how[..], &[checks, "--include-path-regex=^/v0"]].concat()).await;
}

#[expect(clippy::print_stderr, reason = "a skipped test must be visible")]
async fn run(options: &[&str]) {
    let Some(program) = std::env::var_os("RANGEHAND_TEST_SCHEMATHESIS") else {
        eprintln!("SKIPPED: RANGEHAND_TEST_SCHEMATHESIS is not set: run ./test.sh");
        return;
    };
    let app = stub().set("RANGEHAND__RUNS__MAX_CONCURRENT", "6").start();
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/schemathesis.toml");
    let mut command = Command::new(program);
    command
        .arg("--config-file")
        .arg(config)
        .args(["run", &format!("{}/docs/openapi.json", app.address())])
        .args(OPTIONS)
        .args(options)
        .env("NO_COLOR", "1")
        .env("no_proxy", "*")
        .current_dir(app.home());
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("it ends");
    let output = output.expect("Schemathesis starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    until_idle(&app).await;
}

/// Waits until no job is left that was begun.
async fn until_idle(app: &TestApp) {
    let is_idle = async || {
        let queue = app.get("/v1/queue", 200).await;
        let left = |name: &str| queue[name].as_array().map_or(0, Vec::len);
        left("running") + left("queued") == 0
    };
    until_async("no job is left", is_idle).await;
}
