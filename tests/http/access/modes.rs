//! Access settings at start: settings that disable authentication by mistake are rejected.

use std::process::Output;

use testkit::{
    Setup,
    access::{call, call_as, printed, status, token},
};

fn refused(setup: &Setup) -> String {
    let output: Output = setup.command().arg("serve").output().expect("the program runs");
    assert!(!output.status.success(), "it started");
    String::from_utf8(output.stderr).expect("UTF-8")
}

#[test]
fn without_access_control_it_starts_only_on_a_loopback_address() {
    for host in ["0.0.0.0", "::", "192.0.2.1", "some-host"] {
        let text = refused(&Setup::without_ansible().set("RANGEHAND__SERVER__HOST", host));
        assert!(
            text.contains("every client that can reach") && text.contains("access.allow_unauthenticated"),
            "{host}: {text}"
        );
    }
    for host in ["127.0.0.1", "localhost"] {
        drop(Setup::without_ansible().set("RANGEHAND__SERVER__HOST", host).start());
    }
}

#[tokio::test]
async fn allow_unauthenticated_disables_authentication_on_other_addresses() {
    let app = Setup::without_ansible()
        .set("RANGEHAND__SERVER__HOST", "0.0.0.0")
        .set("RANGEHAND__ACCESS__ALLOW_UNAUTHENTICATED", "true")
        .start();
    assert_eq!(status(&app, "/v1/jobs", &[]).await, 200);
    assert!(app.log().contains("every client that can reach this address"), "the log has a warning");
    let doctor = app.command().arg("doctor").output().expect("the program runs");
    let report = String::from_utf8(doctor.stdout).expect("UTF-8");
    assert!(report.lines().any(|line| line.starts_with("warn") && line.contains("access")), "{report}");
}

#[test]
fn settings_that_do_not_fit_together_are_refused() {
    let set = |pairs: &[(&str, &str)]| {
        let begun = Setup::without_ansible();
        begun.write("short", "tooshort");
        begun.write("open", "long enough to be no guess");
        for (file, mode) in [("short", 0o600), ("open", 0o644)] {
            let file = begun.home().join(file);
            std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(mode))
                .expect("the test owns it");
        }
        let named = |setup: Setup, (name, value): &(&str, &str)| {
            setup.set(&format!("RANGEHAND__ACCESS__{name}"), *value)
        };
        refused(&pairs.iter().fold(begun, named))
    };
    for (pairs, said) in [
        (&[("MODES", "")][..], "access.modes"),
        (&[("MODES", "none,token")], "with other modes"),
        (&[("MODES", "gateway")], "access.gateway_secret_file"),
        (&[("MODES", "gateway"), ("GATEWAY_SECRET_FILE", "missing")], "cannot be read"),
        (&[("MODES", "gateway"), ("GATEWAY_SECRET_FILE", "short")], "fewer than 16"),
        (&[("MODES", "gateway"), ("GATEWAY_SECRET_FILE", "open")], "chmod 600"),
        (&[("MODES", "jwt")], "access.jwt_keys"),
        (&[("MODES", "jwt"), ("JWT_KEYS", "keys")], "access.jwt_issuer"),
        (&[("MODES", "jwt"), ("JWT_KEYS", "http://id.example/keys")], "https://"),
        (
            &[("MODES", "jwt"), ("JWT_KEYS", "keys"), ("JWT_ISSUER", "x"), ("JWT_AUDIENCE", "x")],
            "keys of the issuer",
        ),
        (&[("MODES", "password")], "gateway"),
        (&[("GATEWAY_ADDRESSES", "10.0.0.0/33")], "networks"),
    ] {
        let text = set(pairs);
        assert!(text.contains(said), "{pairs:?}: {text}");
    }
}

#[tokio::test]
async fn modes_combine() {
    let app = Setup::without_ansible()
        .set("RANGEHAND__ACCESS__MODES", "gateway,token")
        .set("RANGEHAND__ACCESS__GATEWAY_ADDRESSES", "127.0.0.1")
        .start();
    let viewer = token(&app, "viewer");
    assert_eq!(call_as(&app, &viewer, "GET", "/v1/jobs", None).await.status(), 200);
    let consumer = [("x-consumer-username", "ann"), ("x-consumer-groups", "admin")];
    assert_eq!(status(&app, "/v1/jobs", &consumer).await, 200);
    assert_eq!(status(&app, "/v1/jobs", &[]).await, 401);
    let denied = call_as(&app, &viewer, "POST", "/v1/jobs", Some("{}")).await;
    assert_eq!(denied.status(), 403);
}

#[tokio::test]
async fn metrics_can_be_opened_and_nothing_else_with_them() {
    let app = Setup::without_ansible()
        .set("RANGEHAND__ACCESS__MODES", "token")
        .set("RANGEHAND__ACCESS__ALLOW_UNAUTHENTICATED_METRICS", "true")
        .start();
    assert_eq!(status(&app, "/metrics", &[]).await, 200);
    assert_eq!(status(&app, "/v1/jobs", &[]).await, 401);
}

#[tokio::test]
async fn requests_that_browsers_send_without_preflight_change_nothing() {
    let app = Setup::without_ansible().start();
    let untrusted = ("origin", "https://evil.example");
    for path in ["/v0/admin/debug/ping", "/v1/jobs"] {
        for media_type in
            ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; x=json"]
        {
            let headers = [untrusted, ("content-type", media_type)];
            let headers = if media_type.is_empty() { &headers[..1] } else { &headers[..] };
            let request = reqwest::Client::new().post(format!("{}{path}", app.address())).body("{");
            let request =
                headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            let status = request.send().await.expect("the service answers").status();
            assert_eq!(status, 403, "{path} {media_type}");
        }
    }
    // For JSON a browser sends a preflight request first, which is rejected. So this client is not a browser.
    let json = call(&app, "POST", "/v0/admin/debug/ping", &[untrusted], Some("{")).await;
    assert_eq!(json.status(), 422);
    assert_eq!(
        call(&app, "GET", "/v1/jobs", &[], None).await.text().await.expect("text"),
        r#"{"items":[],"next":null}"#
    );
}

#[tokio::test]
async fn an_allowed_page_gets_the_reason_of_a_rejection_and_a_foreign_page_does_not() {
    let app = Setup::without_ansible().set("RANGEHAND__ACCESS__MODES", "token").start();
    let own = call(&app, "GET", "/v1/jobs", &[("origin", "http://localhost:5173")], None).await;
    assert_eq!(own.status(), 401);
    assert_eq!(own.headers()["access-control-allow-origin"], "http://localhost:5173");
    let preflight = [
        ("origin", "http://localhost:5173"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type"),
    ];
    assert_eq!(
        call(&app, "OPTIONS", "/v1/jobs", &preflight, None).await.status(),
        200,
        "no credentials there"
    );
    let viewer = token(&app, "viewer");
    let bearer = format!("Bearer {viewer}");
    let untrusted = [("origin", "https://evil.example"), ("authorization", &bearer)];
    assert_eq!(status(&app, "/v1/jobs", &untrusted).await, 403);
    assert!(printed(&app, &["token", "list"]).contains("viewer"));
}
