//! The host names under which the service accepts requests: DNS rebinding is rejected.

use serde_json::Value;
use testkit::{
    Setup, TestApp,
    access::{NO_JOB, call, problem, upgrade, upgrade_of},
};

async fn status_as(app: &TestApp, path: &str, host: &str) -> u16 {
    call(app, "GET", path, &[("host", host)], None).await.status().as_u16()
}

#[tokio::test]
async fn without_authentication_only_names_of_this_machine_are_accepted() {
    let app = Setup::without_ansible().start();
    let port = app.address().rsplit(':').next().expect("a port").to_owned();
    for name in ["127.0.0.1", "localhost", "[::1]", "LOCALHOST", "localhost."] {
        assert_eq!(status_as(&app, "/v1/jobs", name).await, 200, "{name}");
        assert_eq!(status_as(&app, "/v1/jobs", &format!("{name}:{port}")).await, 200, "{name} with a port");
    }
    // What a page of `evil.example` sends once its name leads here: for its browser that is the page's own site.
    let host = format!("evil.example:{port}");
    let origin = format!("http://{host}");
    let own = [("host", host.as_str()), ("origin", &origin)];
    let look = call(&app, "GET", "/v1/jobs", &own[..1], None).await;
    assert_eq!(problem(look, 421).await, "unknown_host");
    let change = call(&app, "POST", "/v0/admin/debug/ping", &own, Some(r#"{"hosts": "localhost"}"#)).await;
    assert_eq!(change.status(), 421);
    assert!(change.json::<Value>().await.expect("JSON")["detail"].is_string(), "in the words of v0");
    for path in ["/", "/healthz", "/readyz", "/metrics", "/docs/openapi.json", "/v1/nothing"] {
        assert_eq!(status_as(&app, path, &host).await, 421, "{path}");
    }
    for path in [NO_JOB, "/ws/vm-status"] {
        assert_eq!(upgrade_of(&app, &host, path, "").0, 421, "{path}");
        assert_eq!(
            upgrade(&app, &format!("http://{host}{path}"), "").0,
            421,
            "{path} with a name of its own"
        );
        assert_eq!(upgrade(&app, path, &format!("host: {host}\r\n")).0, 400, "{path} with two names");
    }
    assert_eq!(app.get("/v1/jobs", 200).await["items"], Value::Array(Vec::new()), "nothing was begun");
}

#[tokio::test]
async fn settings_allow_other_names_and_authenticated_callers_can_use_any_name() {
    let app = Setup::without_ansible().set("RANGEHAND__ACCESS__HOSTS", "range.example,192.0.2.7").start();
    for (host, status) in
        [("range.example", 200), ("192.0.2.7:80", 200), ("localhost", 200), ("evil.example", 421)]
    {
        assert_eq!(status_as(&app, "/v1/jobs", host).await, status, "{host}");
    }
    drop(app);
    let app = Setup::without_ansible().set("RANGEHAND__ACCESS__MODES", "token").start();
    assert_eq!(status_as(&app, "/v1/jobs", "evil.example").await, 401);
    drop(app);
    let app = Setup::without_ansible()
        .set("RANGEHAND__ACCESS__MODES", "token")
        .set("RANGEHAND__ACCESS__HOSTS", "range.example")
        .start();
    assert_eq!(status_as(&app, "/healthz", "evil.example").await, 421, "what is set holds in every mode");
    drop(app);
    let app = Setup::without_ansible()
        .set("RANGEHAND__SERVER__HOST", "0.0.0.0")
        .set("RANGEHAND__ACCESS__ALLOW_UNAUTHENTICATED", "true")
        .start();
    assert_eq!(status_as(&app, "/v1/jobs", "range.example").await, 200, "who knows what they do");
}
