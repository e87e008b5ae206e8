//! `/ws/vm-status`: the machines of a Proxmox node, in the frames of the Range42 backend API.
//!
//! ```text
//! {"type":"full","vms":[...]}             at once
//! {"type":"diff","changes":{id: ...}}     whenever something changes
//! {"type":"error","error":"text"}         a poll failed; polling continues
//! ```
//! Without credentials in the inventory, the server sends an error frame and closes with 1000. For an invalid node
//! name, it sends an error frame and closes with 1008. Messages of clients are not read. Frames are created when
//! there is space for them (up to 32 can be in flight), so a slow client gets fewer and larger ones. A client that
//! reads nothing does not answer pings and is disconnected.

use std::time::Duration;

use actix_web::{
    Error, HttpRequest, HttpResponse,
    web::{Data, Payload, Query},
};
use actix_ws::{CloseCode, Message, MessageStream, Session};
use engine::{ProxmoxError, VmWatching, WatcherKind};
use futures_util::StreamExt;
use model::vm_status::Frame;
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::socket::{CLOSE, TAG, UPGRADED, close_code};
use crate::http::{
    access::WatcherSlot,
    api::Api,
    endpoint::{Access, Doc, Endpoint, Parameter, Reply, Verb},
};

/// The error of the reference service if the inventory contains no Proxmox credentials.
const NO_CREDENTIALS: &str = "Proxmox credentials not found in backend inventory";
const BAD_NODE: &str = "node must be a name of letters, digits and `-`";
/// Interval of pings to a client.
const PING: Duration = Duration::from_secs(20);
/// How long a client can be silent.
const SILENCE: Duration = Duration::from_secs(60);

const NODE: Parameter =
    Parameter::query("node", |_| json!({"type": "string", "pattern": "^[A-Za-z0-9-]+$"}), "The node");

pub(super) fn endpoint() -> Endpoint {
    let summary = "A WebSocket: the machines of a Proxmox node and what changes among them.";
    let about = "`?node=NAME` names the node, otherwise it is the one of the inventory. Frames are JSON texts: \
         `{\"type\":\"full\",\"vms\":[...]}` first, then `{\"type\":\"diff\",\"changes\":{vmid: {...}}}` whenever something changed, \
         `{\"type\":\"error\",\"error\":text}` when the node could not be queried. A bad name of a node closes with 1008, a missing \
         inventory or token with 1000 after an error frame, a service that stops with 1012. What a client sends is not read.";
    let doc = Doc::new("watch_vms", TAG, summary)
        .about(about)
        .parameters([NODE])
        .replies([
            UPGRADED,
            Reply::empty(403, "Pages of this origin may not watch"),
            Reply::empty(404, "Not a WebSocket request"),
        ])
        .streams();
    Endpoint::new(Verb::Get, "/ws/vm-status", Access::VIEWER, open, doc).hidden_without_upgrade()
}

async fn open(
    api: Data<Api>,
    query: Query<Vec<(String, String)>>,
    request: HttpRequest,
    body: Payload,
) -> Result<HttpResponse, Error> {
    let slot = api.guard.slot(&request, &api.shutdown)?;
    let (response, session, messages) = actix_ws::handle(&request, body)?;
    // Of several values the last one applies, as in the reference service.
    let node = query.into_inner().into_iter().rfind(|(name, _)| name == "node").map(|(_, node)| node);
    actix_web::rt::spawn(async move {
        serve(&api, &slot, node, session, messages).await;
    });
    Ok(response)
}

/// The client has disconnected.
struct Disconnected;

async fn serve(
    api: &Api,
    slot: &WatcherSlot,
    node: Option<String>,
    mut session: Session,
    messages: MessageStream,
) {
    let _watching = api.engine.metrics().watching(WatcherKind::VmStatus);
    let mut shutdown = slot.until();
    let answering = session.clone();
    let sent = tokio::select! {
        sent = stream_status(api, node.as_deref(), &mut session) => sent,
        () = answer_pings(messages, answering) => Err(Disconnected),
        () = shutdown.requested() => match close_code(slot) {
            CloseCode::Restart => Ok((CloseCode::Restart, Some("service restart"))),
            code => Ok((code, None)),
        },
    };
    if let Ok((code, description)) = sent {
        let reason = actix_ws::CloseReason { code, description: description.map(str::to_owned) };
        // The client may have disconnected.
        let _ = timeout(CLOSE, session.close(Some(reason))).await;
    }
}

type Close = (CloseCode, Option<&'static str>);

async fn stream_status(api: &Api, node: Option<&str>, session: &mut Session) -> Result<Close, Disconnected> {
    if node.is_some_and(|node| !is_name(node)) {
        send(session, &Frame::Error { error: BAD_NODE.to_owned() }).await?;
        return Ok((CloseCode::Policy, None));
    }
    match api.engine.machines().watch(node).await {
        Ok(watching) => stream_frames(watching, session).await,
        Err(error) => {
            tracing::warn!(error = error.in_full(), "watching machines is unavailable");
            send(session, &Frame::Error { error: error_message(&error) }).await?;
            Ok((CloseCode::Normal, None))
        }
    }
}

async fn stream_frames(mut watching: VmWatching, session: &mut Session) -> Result<Close, Disconnected> {
    let mut pings = interval_at(Instant::now() + PING, PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            frame = watching.next() => match frame {
                Some(frame) => send(session, &frame).await?,
                None => return Ok((CloseCode::Error, None)),
            },
            _ = pings.tick() => session.ping(b"").await.map_err(|_| Disconnected)?,
        }
    }
}

/// The error message for the client. Paths and causes are only logged.
fn error_message(error: &ProxmoxError) -> String {
    match error {
        ProxmoxError::Unclear { .. } => {
            format!("Proxmox credentials cannot be determined: {}", error.in_full())
        }
        ProxmoxError::NoCredentials
        | ProxmoxError::Content(_)
        | ProxmoxError::Inventory(_)
        | ProxmoxError::Api(_) => NO_CREDENTIALS.to_owned(),
    }
}

fn is_name(node: &str) -> bool {
    !node.is_empty() && node.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// Answers pings; returns when the client disconnects, or has not sent anything, including pongs, for a while.
async fn answer_pings(mut messages: MessageStream, mut session: Session) {
    while let Ok(Some(Ok(message))) = timeout(SILENCE, messages.next()).await {
        match message {
            Message::Ping(data) if session.pong(&data).await.is_err() => return,
            Message::Close(_) => return,
            _ => {}
        }
    }
}

async fn send(session: &mut Session, frame: &Frame) -> Result<(), Disconnected> {
    // Strings and numbers always serialize to JSON.
    let text = serde_json::to_string(frame).map_err(|_| Disconnected)?;
    session.text(text).await.map_err(|_| Disconnected)
}
