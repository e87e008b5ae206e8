//! Tasks of Proxmox: their ids (UPID), and their ends.

use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use super::{api::Api, failure::task_end};
use crate::{
    error::Error,
    platform::{Handle, Progress},
};

/// The first and the longest pause between two queries of a task.
const PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));
/// Parts of an id: `UPID:node:pid:pstart:starttime:type:id:user:`.
const PARTS: usize = 9;

/// How far a call came that answers with the id of a task, or with nothing when it is done.
pub(super) fn progress(answer: &Value) -> Progress {
    answer
        .as_str()
        .filter(|id| node(id).is_some())
        .map_or(Progress::Done, |id| Progress::Pending(Handle(id.to_owned())))
}

/// Waits for the end of a task.
pub(super) async fn wait(api: &Api, id: &str) -> Result<(), Error> {
    let gone = || Error::gone(format!("Proxmox does not know the task `{id}`"));
    let path = format!("nodes/{}/tasks/{id}/status", node(id).ok_or_else(gone)?);
    let mut pause = PAUSE.0;
    loop {
        let status = match api.get(&path).await {
            Err(Error::Gone { .. }) => return Err(gone()),
            status => status?,
        };
        if status["status"] == "stopped" {
            return task_end(&purpose(id), status["exitstatus"].as_str().unwrap_or("unexpected status"));
        }
        sleep(pause).await;
        pause = (pause * 3 / 2).min(PAUSE.1);
    }
}

/// Waits for the end of what a call began.
pub(super) async fn finish(api: &Api, answer: &Value) -> Result<(), Error> {
    match progress(answer) {
        Progress::Done => Ok(()),
        Progress::Pending(handle) => wait(api, &handle.0).await,
    }
}

/// The node that carries a task out.
fn node(id: &str) -> Option<&str> {
    let parts: Vec<&str> = id.split(':').collect();
    (parts.len() == PARTS && parts[0] == "UPID" && !parts[1].is_empty() && !id.contains('/'))
        .then(|| parts[1])
}

/// What a task is for, for messages: `qmstart 100`.
fn purpose(id: &str) -> String {
    let parts: Vec<&str> = id.split(':').collect();
    format!("carry out {} {}", parts.get(5).unwrap_or(&""), parts.get(6).unwrap_or(&"")).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "UPID:pve1:000003E8:00001B58:68C04C13:qmstart:100:automation@pve!range:";

    #[test]
    fn a_task_is_known_by_its_id() {
        assert_eq!((node(ID), purpose(ID)), (Some("pve1"), "carry out qmstart 100".to_owned()));
        assert_eq!(progress(&json!(ID)), Progress::Pending(Handle(ID.to_owned())));
        for other in [json!(null), json!("done"), json!("UPID:a/b:1:2:3:t:1:u:")] {
            assert_eq!(progress(&other), Progress::Done, "{other}");
        }
    }
}
