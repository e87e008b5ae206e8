//! Events and logs as they happen: server-sent events, lines of JSON, text, WebSockets.

mod all;
mod filters;
mod lines;
mod log;
mod metrics;
mod sse;
mod watchers;
mod websocket;

use std::collections::VecDeque;

use reqwest::{Client, Response};
use serde_json::{Value, json};
use testkit::{Gate, Job, TestApp, WAIT_LIMIT};
use tokio::time::timeout;

/// The id of a job.
fn id(job: &Value) -> &str {
    job["id"].as_str().expect("a job has an id")
}

/// A job that waits until its gate is opened, at the task that waits for it.
async fn job_at_the_gate(app: &TestApp) -> (Job, Gate) {
    let gate = Gate::new(app);
    let request = json!({"bundle": "gate", "limit": "localhost", "extra_vars": {"gate": gate.path()}});
    let job = app.submit(&request).await;
    job.until_task("Wait for the gate").await;
    (job, gate)
}

/// The lines that events printed, as every watcher of the log must see them.
fn printed<'a>(events: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    let texts = events.into_iter().filter_map(|event| event["stdout"].as_str());
    texts.flat_map(|text| text.split('\n')).map(without_colours).collect()
}

/// Ansible uses no other escape sequences than colours.
fn without_colours(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |line, part| line + part.split_once('m').expect("a colour").1)
}

/// The numbers of events.
fn numbers<'a>(events: impl IntoIterator<Item = &'a Value>) -> Vec<u64> {
    events.into_iter().map(|event| event["seq"].as_u64().expect("a number")).collect()
}

/// A reply that is read while it comes.
struct Stream {
    response: Response,
    unread: VecDeque<u8>,
}

/// One message of a stream of server-sent events.
#[derive(Debug, Default, PartialEq)]
struct Message {
    id: Option<u64>,
    event: Option<String>,
    data: String,
    comment: Option<String>,
}

impl Message {
    fn json(&self) -> Value {
        serde_json::from_str(&self.data).expect("JSON")
    }
}

impl Stream {
    /// GET with these headers, which must be answered with 200.
    async fn open(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> Self {
        Self::at(app.address(), path, headers).await
    }

    async fn at(address: &str, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut request = Client::new().get(format!("{address}{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.expect("the service answers");
        assert_eq!(response.status(), 200, "{path}");
        Self { response, unread: VecDeque::new() }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name).map(|value| value.to_str().expect("text"))
    }

    /// The next line without its end; `None` at the end, an error when the stream broke off.
    async fn try_line(&mut self) -> Result<Option<String>, reqwest::Error> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<u8> = self.unread.drain(..=end).collect();
                line.pop();
                return Ok(Some(String::from_utf8(line).expect("UTF-8")));
            }
            let chunk = timeout(WAIT_LIMIT, self.response.chunk()).await.expect("something comes or it ends");
            match chunk? {
                Some(chunk) => self.unread.extend(chunk),
                None => {
                    assert!(self.unread.is_empty(), "a line without an end");
                    return Ok(None);
                }
            }
        }
    }

    async fn line(&mut self) -> Option<String> {
        self.try_line().await.expect("a whole reply")
    }

    /// All lines to the end.
    async fn lines(mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(line) = self.line().await {
            lines.push(line);
        }
        lines
    }

    /// All lines to the end, each as JSON.
    async fn values(self) -> Vec<Value> {
        self.lines().await.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// The next message of a stream of server-sent events.
    async fn message(&mut self) -> Option<Message> {
        let mut message = Message::default();
        loop {
            let line = self.line().await?;
            let Some((field, value)) = line.split_once(": ") else {
                assert_eq!(line, "", "a field or the end of a message");
                return Some(message);
            };
            match field {
                "id" => message.id = Some(value.parse().expect("a number")),
                "event" => message.event = Some(value.to_owned()),
                "data" => message.data += value,
                "" => message.comment = Some(value.to_owned()),
                other => panic!("unknown field {other}"),
            }
        }
    }

    /// All events up to the message `end`, which must be the last, and the job that it holds.
    async fn messages(mut self) -> (Vec<Value>, Value) {
        let mut events = Vec::new();
        while let Some(message) = self.message().await {
            match message.event.as_deref() {
                Some("end") => {
                    assert_eq!(message.id, None);
                    assert_eq!(self.message().await, None, "nothing comes after the end");
                    return (events, message.json());
                }
                Some(other) => panic!("unknown event {other}"),
                None if message.comment.is_some() => {}
                None => {
                    let event = message.json();
                    assert_eq!(event["seq"].as_u64(), message.id, "the id is the number");
                    events.push(event);
                }
            }
        }
        panic!("the stream ended without `end` after {} events", events.len());
    }
}
