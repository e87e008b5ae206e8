//! The recorded cases: read, merged with the deviations, with values that differ between tests filled in.

use std::fs;

use serde::Deserialize;
use serde_json::Value;
use testkit::{pve::Control, repository};

/// One recorded case.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Case {
    name: String,
    /// Where it was recorded.
    pub site: String,
    /// What is done to the fake Proxmox first.
    #[serde(default)]
    pub pre: Vec<Control>,
    /// What is sent.
    #[serde(flatten)]
    pub kind: Kind,
    /// How much of Ansible's output counts.
    #[serde(default)]
    pub log: Detail,
    /// The answer that counts: recorded, or the deviation's.
    pub response: Value,
    /// The changing calls that Proxmox gets, unless the answer of the deviation names others.
    #[serde(default)]
    pub proxmox_calls: Value,
    /// `file/name`
    #[serde(skip)]
    pub id: String,
    /// The rule by which it deviates from what was recorded.
    #[serde(skip)]
    pub rule: Option<u64>,
}

/// What a case does.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// One request.
    Request(Request),
    /// A conversation over a WebSocket.
    Ws(Conversation),
    /// Counts the requests to Proxmox while clients watch, or after they have disconnected.
    PollCount(PollCount),
    /// Starts the service. The recorded limit in seconds does not apply to Rangehand.
    Process {},
}

/// A request; the body is sent as it is written.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Request {
    pub method: String,
    pub path: String,
    #[serde(default)]
    pub headers: serde_json::Map<String, Value>,
    pub body: Option<String>,
}

/// A WebSocket and what happens while it is open; times in seconds.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Conversation {
    pub path: String,
    #[serde(default)]
    pub headers: serde_json::Map<String, Value>,
    pub steps: Vec<Step>,
    #[serde(default)]
    pub close_wait: u64,
}

/// Something happens, then frames are awaited.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Step {
    pub pve: Option<Control>,
    pub send: Option<String>,
    #[serde(default = "two_seconds")]
    pub wait: u64,
}

/// Clients that hold a WebSocket; times in seconds.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct PollCount {
    pub path: String,
    pub clients: usize,
    /// How long they stay, at least.
    pub hold: u64,
    /// If they leave: how long after it counting begins.
    pub after: Option<u64>,
    /// How long is counted.
    #[serde(default)]
    pub watch: u64,
}

/// How much of Ansible's output counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Detail {
    /// Plays, tasks, results, recap.
    #[default]
    Full,
    /// Per host: ok, failed, unreachable.
    Recap,
}

fn two_seconds() -> u64 {
    2
}

/// The names of the files of cases.
pub(crate) fn files() -> Vec<String> {
    let entries = fs::read_dir(repository("tests/fixtures/v0/cases")).expect("the fixtures are there");
    let names = entries.map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"));
    let mut names: Vec<_> = names.filter_map(|name| Some(name.strip_suffix(".json")?.to_owned())).collect();
    names.sort();
    names
}

/// The cases of a file; `proxmox` is the fake's `host:port`, which they call `@PVE@`.
pub(crate) fn load(file: &str, proxmox: &str) -> Vec<Case> {
    let read = |path: String| {
        let text = fs::read_to_string(repository(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let (_, port) = proxmox.split_once(':').expect("host:port");
        text.replace("@PVE@", proxmox).replace("@PVE_PORT@", port)
    };
    let deviations: Value =
        serde_json::from_str(&read("tests/fixtures/v0/deviations.json".into())).expect("JSON");
    let cases = serde_json::from_str(&read(format!("tests/fixtures/v0/cases/{file}.json")));
    let mut cases: Vec<Case> = cases.unwrap_or_else(|error| panic!("{file}.json: {error}"));
    for case in &mut cases {
        case.id = format!("{file}/{}", case.name);
        if let Some(deviation) = deviations["cases"].get(&case.id) {
            case.rule = deviation["rule"].as_u64();
            case.response = deviation["response"].clone();
        }
    }
    cases
}
