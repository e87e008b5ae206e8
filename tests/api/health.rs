//! Liveness, readiness, and errors at start.

use std::{
    fs,
    io::Read,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Setup, TestApp, bin_dir, generated_secret, until};

#[tokio::test]
async fn a_service_with_ansible_is_alive_and_ready() {
    let app = TestApp::new();
    assert_eq!(app.get("/healthz", 200).await, json!({"status": "ok"}));
    for _ in 0..2 {
        let ready = app.get("/readyz", 200).await;
        assert_eq!(ready["status"], "ready");
        let checks = ready["checks"].as_array().expect("checks");
        let reported: Vec<_> =
            checks.iter().map(|check| (check["name"].as_str(), check["status"].as_str())).collect();
        let names = ["python", "ansible-core", "ansible-runner", "store", "recovery"];
        assert_eq!(reported, names.map(|name| (Some(name), Some("ok"))), "{ready:#}");
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(app.send(Method::HEAD, path, None).await.status(), 200);
    }
}

#[tokio::test]
async fn without_ansible_the_service_is_alive_and_says_what_to_do() {
    let setup = Setup::new();
    fs::create_dir(setup.home().join("empty")).expect("writable");
    let app = setup.set("RANGEHAND__ANSIBLE__BIN_DIR", "empty").set("PATH", "");
    // There is no bubblewrap then either.
    let app = app.set("RANGEHAND__RUNS__ISOLATION", "process").start();
    app.get("/healthz", 200).await;
    let ready = app.get("/readyz", 503).await;
    assert_eq!(ready["status"], "not_ready");
    for check in ready["checks"].as_array().expect("checks") {
        let is_apart = check["name"] == "store" || check["name"] == "recovery";
        assert_eq!(check["status"], if is_apart { "ok" } else { "fail" }, "{check:#}");
        assert_eq!(check["hint"].is_string(), !is_apart, "what to do: {check:#}");
    }

    let job = app.run(&json!({"bundle": "ping"})).await;
    let reason = &job["reason"];
    assert_eq!((&job["state"], &job["rc"]), (&json!("failed"), &Value::Null));
    assert_eq!((&reason["phase"], &reason["code"]), (&json!("spawn"), &json!("runner_missing")));
    let message = reason["message"].as_str().expect("text");
    for part in ["ansible-runner", "hint: ", "./start.sh", "`ansible.bin_dir`"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(app.get("/v1/catalog/bundles", 200).await["next"], Value::Null, "lists need no Ansible");
}

/// Starts a service that must not start. Returns its output.
async fn refuses_to_start(setup: &Setup) -> String {
    let mut service =
        setup.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut ended = None;
    until("the program ends", || {
        ended = service.try_wait().expect("the test owns it");
        ended.is_some()
    })
    .await;
    assert!(ended.is_some_and(|status| !status.success()));
    let (mut output, mut errors) = (String::new(), String::new());
    service.stdout.take().expect("a pipe").read_to_string(&mut output).expect("text");
    service.stderr.take().expect("a pipe").read_to_string(&mut errors).expect("text");
    assert_eq!(output, "", "it never listened");
    errors
}

/// A setup whose vault file is encrypted with a password that is nowhere else than in `password`.
fn with_vault() -> Setup {
    let setup = Setup::new().set("API_BACKEND_VAULT_FILE", "vault.yml");
    setup.write("password", &generated_secret());
    setup.write("vault.yml", "vault_probe: x\n");
    let status = Command::new(bin_dir().join("ansible-vault"))
        .args(["encrypt", "--vault-password-file", "password", "vault.yml"])
        .current_dir(setup.home())
        .stderr(Stdio::null())
        .status();
    assert!(status.expect("ansible-vault starts").success());
    setup
}

#[tokio::test]
async fn a_wrong_vault_password_is_reported_at_the_start() {
    let wrong = generated_secret();
    let by_setting = with_vault().set("VAULT_PASSWORD", &wrong);
    let by_file = with_vault().set("VAULT_PASSWORD_FILE", "wrong");
    by_file.write("wrong", &wrong);
    fs::set_permissions(by_file.home().join("wrong"), fs::Permissions::from_mode(0o600))
        .expect("the test owns it");
    for setup in [by_setting, by_file] {
        let said = refuses_to_start(&setup).await;
        assert!(said.contains("vault.yml` cannot be decrypted"), "{said}");
        assert!(!said.contains(&wrong), "{said}");
    }
}

#[tokio::test]
async fn a_missing_vault_password_is_reported_at_the_start() {
    let said = refuses_to_start(&with_vault()).await;
    assert!(said.contains("no vault password") && said.contains("hint: set `vault.password_file`"), "{said}");
    let said = refuses_to_start(&with_vault().set("VAULT_PASSWORD_FILE", "nowhere")).await;
    assert!(said.contains("nowhere` cannot be read"), "{said}");
}

#[tokio::test]
async fn the_right_vault_password_lets_it_start() {
    let setup = with_vault().set("VAULT_PASSWORD_FILE", "password");
    let password = setup.home().join("password");
    fs::set_permissions(password, fs::Permissions::from_mode(0o600)).expect("the test owns it");
    setup.start().get("/healthz", 200).await;
}

#[tokio::test]
async fn a_port_in_use_is_reported() {
    let app = TestApp::new();
    let port = app.address().rsplit(':').next().expect("a port");
    let said = refuses_to_start(&Setup::new().set("PORT", "0").set("RANGEHAND__SERVER__PORT", port)).await;
    assert!(said.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{said}");
    app.get("/healthz", 200).await;
}

#[tokio::test]
async fn an_unknown_setting_is_rejected_with_the_nearest_name() {
    let said = refuses_to_start(&Setup::new().set("RANGEHAND__RUNS__TIMOUT_S", "4")).await;
    assert!(said.contains("`runs.timout_s`: did you mean `runs.timeout_s`?"), "{said}");
    assert!(said.contains("hint: the variable is RANGEHAND__RUNS__TIMEOUT_S"), "{said}");

    let setup = Setup::new();
    setup.write("rangehand.toml", "[runs]\ntimeout_s = 60\nmax_at_onze = 2\n");
    let said = refuses_to_start(&setup).await;
    assert!(said.contains("rangehand.toml, line 3") && said.contains("`runs.max_concurrent`"), "{said}");
}

#[tokio::test]
async fn a_setting_out_of_range_is_refused_with_what_is_allowed() {
    for (name, value, allowed) in [
        ("RANGEHAND__RUNS__TIMEOUT_S", "soon", "1 to 604800"),
        ("RANGEHAND__SERVER__BODY_LIMIT_BYTES", "1", "1024 to 1073741824"),
        ("PORT", "65536", "0 to 65535"),
        ("RANGEHAND__SERVER__CORS_ORIGIN_REGEX", "(", "regular expression"),
    ] {
        let mut setup = Setup::new().set(name, value);
        if name == "PORT" {
            setup = setup.set("RANGEHAND__SERVER__PORT", "");
        }
        let said = refuses_to_start(&setup).await;
        assert!(said.contains(name) && said.contains(allowed), "{name}: {said}");
    }
}

#[tokio::test]
async fn a_test_that_waits_for_a_state_fails_when_the_job_has_ended_in_another() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "ping", "limit": "localhost"})).await;
    let address = app.address().to_owned();
    let waiting = tokio::spawn(async move {
        let _app = app;
        job.until_state("failed").await;
    });
    let failure = tokio::time::timeout(std::time::Duration::from_secs(30), waiting).await.expect("at once");
    let text = *failure.expect_err("it failed").into_panic().downcast::<String>().expect("a text");
    assert!(text.contains("the job ended, and is not failed"), "{text}");
    assert!(reqwest::get(address).await.is_err(), "the service went with its test");
}
