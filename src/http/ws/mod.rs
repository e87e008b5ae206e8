//! WebSockets: `/ws/vm-status`, see [`vm_status`], and `/ws/{job_id}`, the live log of a job in the frames of
//! CloudLaunch.
//!
//! ```text
//! {"type":"log","data":"line"} ...     every line so far, then each new one
//! {"type":"status","data":"running"}   after the stored lines, and at the end
//! {"type":"ping"}                      every 15 s without a line
//! {"type":"result","data":{...}}       at the end, the results of the job
//! {"type":"error","data":"text"}       at the end, the reason of a failure
//! {"type":"done"}                      the last frame; then close 1000
//! ```
//! For an unknown ID, the server sends an error frame and closes with 4004. Messages of clients are read only to
//! detect disconnects. Pages of unknown origins are rejected before the upgrade, because browsers send no preflight
//! for WebSockets.
//!
//! Every client follows the store independently, at its own pace. All receive the same lines in the same order, and
//! a slow one holds one batch of events and does not affect the others. Watching does not affect the job.

mod socket;
mod vm_status;

use std::time::Duration;

use actix_web::{
    Error, HttpRequest, HttpResponse,
    web::{Data, Path, Payload},
};
use actix_ws::{CloseCode, CloseReason, Message, MessageStream, Session};
use engine::{EventQuery, Following, Next, WatcherKind, plain_lines};
use futures_util::StreamExt;
use model::{Job, JobState};
use serde_json::{Value, json};
use tokio::time::timeout;

use self::socket::{CLOSE, TAG, UPGRADED, close_code};
use super::{
    access::WatcherSlot,
    api::Api,
    endpoint::{Access, Doc, Endpoint, Reply, Verb},
    v1::job_parameter,
};

/// Interval of pings on a quiet socket.
const PING: Duration = Duration::from_secs(15);

pub(super) fn endpoints() -> Vec<Endpoint> {
    let summary = "A WebSocket: the log of a job as it is written, in CloudLaunch's frames.";
    let about = "Each frame is a JSON text: `{\"type\":\"log\",\"data\":line}` for every line so far, `{\"type\":\"status\",\"data\":\"running\"}`, \
         every new line, `{\"type\":\"ping\"}` after 15 s without one; at the end `status` (`succeeded` or `failed`), `result` (what \
         was printed, if anything), `error` (why it did not succeed), `{\"type\":\"done\"}` and close 1000. An unknown id gets an \
         error frame and close 4004, a service that stops closes with 1012. What a client sends is not read.";
    let doc = Doc::new("watch_job", TAG, summary)
        .about(about)
        .parameters([job_parameter("job_id")])
        .replies([UPGRADED, Reply::empty(400, "Not a WebSocket request")])
        .streams();
    vec![
        Endpoint::new(Verb::Get, "/ws/{job_id}", Access::VIEWER, open, doc).job("job_id"),
        vm_status::endpoint(),
    ]
}

async fn open(
    api: Data<Api>,
    id: Path<String>,
    request: HttpRequest,
    body: Payload,
) -> Result<HttpResponse, Error> {
    let slot = api.guard.slot(&request, &api.shutdown)?;
    let (response, session, messages) = actix_ws::handle(&request, body)?;
    let id = id.into_inner();
    actix_web::rt::spawn(async move {
        let following = match id.parse() {
            Ok(job) => api.engine.events().follow(job, EventQuery::default()).await.ok(),
            Err(_) => None,
        };
        match following {
            Some(following) => Watcher { session, messages, slot }.watch(following, &api).await,
            None => refuse(session, &id).await,
        }
    });
    Ok(response)
}

async fn refuse(mut session: Session, id: &str) {
    let frame = json!({ "type": "error", "data": format!("Job '{}' not found.", id.escape_debug()) });
    // Errors mean that the client has disconnected.
    if session.text(frame.to_string()).await.is_ok() {
        let _ = session.close(Some(CloseReason { code: CloseCode::Other(4004), description: None })).await;
    }
}

/// One client of one job.
struct Watcher {
    session: Session,
    messages: MessageStream,
    slot: WatcherSlot,
}

/// The client has disconnected.
struct Disconnected;

impl Watcher {
    async fn watch(mut self, following: Following, api: &Api) {
        let _watching = api.engine.metrics().watching(WatcherKind::WebSocket);
        let mut shutdown = self.slot.until();
        let answering = self.session.clone();
        let sent = tokio::select! {
            sent = stream_log(&mut self.session, following) => sent,
            () = answer_pings(&mut self.messages, answering) => Err(Disconnected),
            () = shutdown.requested() => Ok(close_code(&self.slot)),
        };
        if let Ok(code) = sent {
            // The client may have disconnected.
            let _ = timeout(CLOSE, self.session.close(Some(code.into()))).await;
        }
    }
}

/// Answers pings; returns when the client disconnects.
async fn answer_pings(messages: &mut MessageStream, mut session: Session) {
    while let Some(Ok(message)) = messages.next().await {
        match message {
            Message::Ping(data) if session.pong(&data).await.is_err() => return,
            Message::Close(_) => return,
            _ => {}
        }
    }
}

async fn stream_log(session: &mut Session, mut following: Following) -> Result<CloseCode, Disconnected> {
    let mut announced = false;
    loop {
        // Stored events are sent without waiting, followed by the status and by new events.
        let limit = if announced { PING } else { Duration::ZERO };
        match following.next(limit).await {
            Ok(Next::Events(events)) => {
                for line in
                    events.iter().filter_map(|event| event.draft.stdout.as_deref()).flat_map(plain_lines)
                {
                    send(session, &json!({ "type": "log", "data": line })).await?;
                }
            }
            Ok(Next::Quiet) if announced => send(session, &json!({ "type": "ping" })).await?,
            Ok(Next::Quiet) => {
                announced = true;
                send(session, &json!({ "type": "status", "data": "running" })).await?;
            }
            Ok(Next::End(job)) => return end(session, &job).await,
            Err(_) => return Ok(CloseCode::Error),
        }
    }
}

async fn end(session: &mut Session, job: &Job) -> Result<CloseCode, Disconnected> {
    let succeeded = job.state == JobState::Succeeded;
    let word = if succeeded { "succeeded" } else { "failed" };
    send(session, &json!({ "type": "status", "data": word })).await?;
    if let Some(outcome) = &job.outcome {
        let results = outcome.detail.as_playbook().map(|detail| &detail.report.results);
        if let Some(results) = results.filter(|results| !results.is_empty()) {
            send(session, &json!({ "type": "result", "data": results })).await?;
        }
    }
    if !succeeded {
        send(session, &json!({ "type": "error", "data": job.reason.message })).await?;
    }
    send(session, &json!({ "type": "done" })).await?;
    Ok(CloseCode::Normal)
}

async fn send(session: &mut Session, frame: &Value) -> Result<(), Disconnected> {
    session.text(frame.to_string()).await.map_err(|_| Disconnected)
}
