//! API tokens: created, used, listed, revoked.

use serde_json::Value;
use testkit::{
    Setup,
    access::{call, call_as, printed, problem, run, status, token, with_tokens},
    until, until_async,
};

#[tokio::test]
async fn a_token_is_printed_once_and_kept_only_as_a_hash() {
    let app = with_tokens(Setup::without_ansible());
    let text = token(&app, "operator");
    assert_eq!((text.len(), &text[..3]), (3 + 12 + 1 + 64, "rh_"), "256 bits");
    assert_ne!(text, token(&app, "operator"));
    assert_eq!(call_as(&app, &text, "GET", "/v1/jobs", None).await.status(), 200);
    let secret = &text[16..];
    let list = printed(&app, &["token", "list"]) + &printed(&app, &["token", "list", "--json"]);
    assert!(list.contains(&text[3..15]) && !list.contains(secret), "{list}");
    assert!(!app.log().contains(secret));
    for file in ["rangehand.db", "rangehand.db-wal"] {
        let bytes = std::fs::read(app.home().join("var").join(file)).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&bytes).contains(secret), "{file}");
    }
}

#[tokio::test]
async fn a_revoked_token_is_worth_nothing_at_once() {
    let app = with_tokens(Setup::without_ansible());
    let text = token(&app, "admin");
    assert_eq!(call_as(&app, &text, "GET", "/v1/jobs", None).await.status(), 200);
    printed(&app, &["token", "revoke", &text[3..15]]);
    assert_eq!(problem(call_as(&app, &text, "GET", "/v1/jobs", None).await, 401).await, "bad_credentials");
    let again = run(&app, &["token", "revoke", &text[3..15]]);
    assert!(!again.status.success(), "the token is already revoked");
    assert!(printed(&app, &["token", "list"]).contains("revoked"));
}

#[tokio::test]
async fn an_expired_token_is_worth_nothing() {
    let app = with_tokens(Setup::without_ansible());
    let arguments =
        ["token", "create", "--name", "brief", "--role", "viewer", "--expires-in", "2s", "--json"];
    let made: Value = serde_json::from_str(&printed(&app, &arguments)).expect("JSON");
    let text = made["token"].as_str().expect("a token").to_owned();
    let bearer = format!("Bearer {text}");
    assert_eq!(status(&app, "/v1/jobs", &[("authorization", &bearer)]).await, 200);
    let is_over = async || status(&app, "/v1/jobs", &[("authorization", &bearer)]).await != 200;
    until_async("the token has expired", is_over).await;
    assert_eq!(problem(call_as(&app, &text, "GET", "/v1/jobs", None).await, 401).await, "bad_credentials");
    assert!(printed(&app, &["token", "list"]).contains("expired"));
}

#[tokio::test]
async fn a_use_is_noted() {
    let app = with_tokens(Setup::without_ansible());
    let text = token(&app, "viewer");
    assert!(printed(&app, &["token", "list"]).contains("never"));
    assert_eq!(call_as(&app, &text, "GET", "/v1/jobs", None).await.status(), 200);
    until("the use is noted", || !printed(&app, &["token", "list"]).contains("never")).await;
}

#[tokio::test]
async fn similar_strings_are_not_tokens() {
    let app = with_tokens(Setup::without_ansible());
    let text = token(&app, "admin");
    let other = token(&app, "admin");
    let mixed = format!("{}{}", &text[..16], &other[16..]);
    let shorter = &text[..text.len() - 1];
    for bad in [mixed.as_str(), shorter, &text.to_uppercase(), "rh_", "x", ""] {
        let value = format!("Bearer {bad}");
        assert_eq!(status(&app, "/v1/jobs", &[("authorization", &value)]).await, 401, "{bad}");
    }
    for headers in [[("authorization", text.as_str())], [("x-api-key", &text)], [("cookie", &text)]] {
        assert_eq!(status(&app, "/v1/jobs", &headers).await, 401, "{headers:?}");
    }
    let query = format!("/v1/jobs?access_token={text}");
    assert_eq!(status(&app, &query, &[]).await, 401, "only a WebSocket may have it in its address");
    assert_eq!(
        call(&app, "GET", "/v1/jobs", &[], None).await.headers()["www-authenticate"],
        "Bearer realm=\"rangehand\""
    );
}

#[tokio::test]
async fn a_name_and_a_role_are_checked() {
    let app = Setup::without_ansible().start();
    for arguments in [
        &["token", "create", "--name", "", "--role", "viewer"][..],
        &["token", "create", "--name", "a\nb", "--role", "viewer"],
        &["token", "create", "--name", "a", "--role", "root"],
        &["token", "create", "--name", "a", "--role", "viewer", "--expires-in", "soon"],
        &["token", "revoke", "0123456789ab"],
    ] {
        assert!(!run(&app, arguments).status.success(), "{arguments:?}");
    }
    assert_eq!(printed(&app, &["token", "list"]).lines().count(), 1, "nothing was made");
    assert_eq!(printed(&app, &["audit", "list"]), "", "and nothing recorded");
}

#[tokio::test]
async fn a_job_says_by_whose_token_it_was_submitted() {
    let app = with_tokens(Setup::without_ansible());
    let made = printed(&app, &["token", "create", "--name", "Ann B.", "--role", "operator", "--json"]);
    let made: Value = serde_json::from_str(&made).expect("JSON");
    let text = made["token"].as_str().expect("a token");
    let body = Some(r#"{"bundle": "ping"}"#);
    let job = call_as(&app, text, "POST", "/v1/jobs?wait=60", body).await;
    assert_eq!(job.status(), 200);
    let list = call_as(&app, text, "GET", "/v1/jobs", None).await.text().await.expect("a body");
    let list: Value = serde_json::from_str(&list).expect("JSON");
    assert_eq!(list["items"][0]["submitted_by"], serde_json::json!({"kind": "caller", "name": "Ann B."}));
}
