//! Behind Kong: whose identity headers are trusted.

use serde_json::Value;
use testkit::{
    Setup, TestApp,
    access::{call, printed, problem, status},
};

const SECRET: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

fn behind_a_gateway(setup: Setup) -> TestApp {
    setup.write("gateway-secret", &format!("{SECRET}\n"));
    let file = setup.home().join("gateway-secret");
    std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .expect("the test owns it");
    setup
        .set("RANGEHAND__ACCESS__MODES", "gateway")
        .set("RANGEHAND__ACCESS__GATEWAY_SECRET_FILE", "gateway-secret")
        .start()
}

fn consumer<'a>(groups: &'a str, secret: &'a str) -> [(&'a str, &'a str); 3] {
    [("x-consumer-username", "ann"), ("x-consumer-groups", groups), ("x-gateway-secret", secret)]
}

#[tokio::test]
async fn a_consumer_of_the_gateway_has_the_role_of_its_groups() {
    let app = behind_a_gateway(Setup::without_ansible());
    assert_eq!(status(&app, "/v1/jobs", &consumer("viewer", SECRET)).await, 200);
    let post = |groups| {
        let headers = consumer(groups, SECRET);
        let app = &app;
        async move { call(app, "POST", "/v1/jobs", &headers, Some("{")).await }
    };
    assert_eq!(problem(post("viewer").await, 403).await, "role_too_low");
    assert_eq!(post("staff,operator").await.status(), 400);
    assert_eq!(problem(post("staff").await, 403).await, "no_role");
    let list = printed(&app, &["audit", "list", "--json"]);
    let records: Vec<Value> = list.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((&records[0]["caller"], &records[0]["via"]), (&"ann".into(), &"gateway".into()), "{list}");
}

#[tokio::test]
async fn consumers_that_others_name_are_dropped() {
    let app = behind_a_gateway(Setup::without_ansible());
    for secret in ["", "wrong", &SECRET[1..], &format!("{SECRET}0"), &SECRET.to_uppercase()] {
        let response = call(&app, "GET", "/v1/jobs", &consumer("admin", secret), None).await;
        assert_eq!(problem(response, 401).await, "not_authenticated", "{secret}");
    }
    let without_secret = [("x-consumer-username", "root"), ("x-consumer-groups", "admin")];
    assert_eq!(status(&app, "/v1/jobs", &without_secret).await, 401);
    assert_eq!(status(&app, "/v1/jobs", &[("x-gateway-secret", SECRET)]).await, 401, "without a consumer");
    for values in
        [&["true"][..], &["True"], &["TRUE"], &["1"], &["yes"], &[""], &["true", "true"], &["false", "true"]]
    {
        let anonymous = values.iter().map(|value| ("x-anonymous-consumer", *value));
        let headers: Vec<_> = consumer("admin", SECRET).into_iter().chain(anonymous).collect();
        assert_eq!(status(&app, "/v1/jobs", &headers).await, 401, "not asked for credentials: {values:?}");
    }
    let known: Vec<_> =
        consumer("admin", SECRET).into_iter().chain([("x-anonymous-consumer", "false")]).collect();
    assert_eq!(status(&app, "/v1/jobs", &known).await, 200);
    assert!(!app.log().contains(SECRET));
}

#[tokio::test]
async fn an_address_that_is_not_listed_is_no_gateway_even_with_the_secret() {
    let app = behind_a_gateway(
        Setup::without_ansible().set("RANGEHAND__ACCESS__GATEWAY_ADDRESSES", "192.0.2.0/24"),
    );
    assert_eq!(status(&app, "/v1/jobs", &consumer("admin", SECRET)).await, 401);
    let app =
        behind_a_gateway(Setup::without_ansible().set("RANGEHAND__ACCESS__GATEWAY_ADDRESSES", "127.0.0.0/8"));
    assert_eq!(status(&app, "/v1/jobs", &consumer("admin", SECRET)).await, 200);
    assert_eq!(status(&app, "/v1/jobs", &consumer("admin", "wrong")).await, 401);
}

#[tokio::test]
async fn without_a_secret_only_a_listed_address_is_trusted() {
    let app = Setup::without_ansible()
        .set("RANGEHAND__ACCESS__MODES", "gateway")
        .set("RANGEHAND__ACCESS__GATEWAY_ADDRESSES", "127.0.0.1")
        .start();
    assert_eq!(status(&app, "/v1/jobs", &consumer("viewer", "")).await, 200);
}
