//! Streams and WebSockets: guarded as everything else, and counted.

use super::{call, call_as, printed, problem, token, upgrade, with_tokens};
use crate::app::{PATIENCE, Setup};

const NO_JOB: &str = "/ws/0190a8d2-7c3f-7a51-9f0e-2b6f5f0f4d11";

#[tokio::test]
async fn a_websocket_needs_credentials_before_the_upgrade() {
    let app = with_tokens();
    let viewer = token(&app, "viewer");
    let revoked = token(&app, "viewer");
    printed(&app, &["token", "revoke", &revoked]);
    for path in [NO_JOB, "/ws/vm-status"] {
        assert_eq!(upgrade(&app, path, "").0, 401, "{path}");
        let header = |token: &str| format!("authorization: Bearer {token}\r\n");
        assert_eq!(upgrade(&app, path, &header(&viewer)).0, 101, "{path}");
        assert_eq!(upgrade(&app, path, &header(&revoked)).0, 401, "{path}");
        assert_eq!(upgrade(&app, &format!("{path}?access_token={viewer}"), "").0, 101, "{path}");
        assert_eq!(upgrade(&app, &format!("{path}?access_token={revoked}"), "").0, 401, "{path}");
        assert_eq!(upgrade(&app, &format!("{path}?access_token="), "").0, 401, "{path}");
    }
    let stranger = "origin: https://evil.example\r\n";
    assert_eq!(upgrade(&app, &format!("{NO_JOB}?access_token={viewer}"), stranger).0, 403);
    assert!(!app.log().contains(&viewer[16..]), "an address is not logged with its query");
}

#[tokio::test]
async fn a_stream_needs_credentials() {
    let app = with_tokens();
    let viewer = token(&app, "viewer");
    let sse = [("accept", "text/event-stream")];
    assert_eq!(call(&app, "GET", "/v1/events", &sse, None).await.status(), 401);
    let ndjson = "/v1/events?format=ndjson&follow=true";
    assert_eq!(call(&app, "GET", ndjson, &[], None).await.status(), 401);
    let response = call_as(&app, &viewer, "GET", "/v1/events?format=sse", None).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
}

#[tokio::test]
async fn who_is_let_in_no_more_is_sent_away_from_streams_too() {
    let app = with_tokens();
    let viewer = token(&app, "viewer");
    let arguments = ["token", "create", "--name", "brief", "--role", "viewer", "--expires-in", "3s"];
    let brief = printed(&app, &arguments).trim().to_owned();
    let mut streams = Vec::new();
    for token in [&viewer, &brief] {
        let response = call_as(&app, token, "GET", "/v1/events?format=sse", None).await;
        assert_eq!(response.status(), 200);
        streams.push(response);
    }
    printed(&app, &["token", "revoke", &viewer]);
    for mut stream in streams {
        let ended = async { while let Ok(Some(_)) = stream.chunk().await {} };
        tokio::time::timeout(PATIENCE, ended).await.expect("the stream ends");
    }
}

#[tokio::test]
async fn a_client_has_only_so_many_streams_open() {
    let app = Setup::new()
        .set("RANGEHAND__ACCESS__MODES", "token")
        .set("RANGEHAND__LIMITS__WATCHERS_PER_CLIENT", "2")
        .start();
    let (ann, bob) = (token(&app, "viewer"), token(&app, "viewer"));
    let stream = |token: &str| {
        let (app, token) = (&app, token.to_owned());
        async move { call_as(app, &token, "GET", "/v1/events?format=sse", None).await }
    };
    let first = stream(&ann).await;
    let (status, socket) = upgrade(&app, &format!("/ws/vm-status?access_token={ann}"), "");
    assert_eq!((first.status().as_u16(), status), (200, 101));
    // Of a node without credentials the socket is closed at once, and makes room again.
    drop(socket);
    let begun = std::time::Instant::now();
    let second = loop {
        let response = stream(&ann).await;
        if response.status() == 200 {
            break response;
        }
        assert!(begun.elapsed() < PATIENCE, "no room is made");
    };
    assert_eq!(problem(stream(&ann).await, 429).await, "too_many_watchers");
    assert_eq!(upgrade(&app, &format!("{NO_JOB}?access_token={ann}"), "").0, 429);
    assert_eq!(stream(&bob).await.status(), 200, "another client");
    drop(second);
    while stream(&ann).await.status() != 200 {
        assert!(begun.elapsed() < PATIENCE, "no room is made");
    }
    drop(first);
}
