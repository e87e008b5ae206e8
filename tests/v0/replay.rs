//! Replays cases and reports differences.

use std::io;

use serde_json::{Value, json};
use testkit::{
    Gateway,
    http::{Answer, Endpoint},
    pve::Pve,
};

use crate::{
    case::{self, Case, Detail, Kind, Request},
    conversation,
    matcher::{differences, short},
    normalise,
    service::Service,
    site::{Site, Sites},
};

/// Which cases: those of a file and a site, or every `of`th of them, beginning with number `part`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Selection {
    pub file: &'static str,
    pub site: &'static str,
    pub part: usize,
    pub of: usize,
    /// The inventory in place of the one of the site: a file of `tests/fixtures/v0/sites`.
    pub inventory: Option<&'static str>,
}

impl Selection {
    /// All of them.
    pub(crate) const fn new(file: &'static str, site: &'static str) -> Self {
        Self { file, site, part: 0, of: 1, inventory: None }
    }

    /// Every `of`th of them, beginning with number `part`.
    pub(crate) const fn part(self, part: usize, of: usize) -> Self {
        Self { part, of, ..self }
    }

    /// With another inventory than that of the site.
    pub(crate) const fn inventory(self, inventory: &'static str) -> Self {
        Self { inventory: Some(inventory), ..self }
    }
}

/// Replays them one after the other; panics with all that differs.
///
/// `RANGEHAND_TEST_V0_ONLY=part-of-a-name` leaves the others out; `RANGEHAND_TEST_V0_GATEWAY=off` goes to the service
/// without the gateway.
pub(crate) fn replay(selection: Selection) {
    if chosen(selection, "127.0.0.1:1").is_empty() {
        return;
    }
    let pve = Pve::start();
    let cases = chosen(selection, pve.host());
    let sites = Sites::new(pve.host());
    let site = sites.lay_out(selection.site);
    if let Some(inventory) = selection.inventory {
        sites.replace_inventory(&site, inventory);
    }
    let total = cases.len();
    let failures = if cases.iter().all(|case| matches!(case.kind, Kind::Process {})) {
        cases.iter().filter_map(|case| start(case, &sites, &site)).collect()
    } else {
        ask(&cases, &pve, &sites, &site)
    };
    let count = failures.len();
    assert!(
        failures.is_empty(),
        "{count} failed, of {total} cases of {selection:?}:\n{}",
        failures.join("\n")
    );
}

/// Starts the service for a case about its start.
fn start(case: &Case, sites: &Sites, site: &Site) -> Option<String> {
    let (serves, output) = match Service::start(sites, site) {
        Ok(service) => (true, service.log()),
        Err(log) => (false, log),
    };
    let found = json!({"serves": serves, "fails": !serves, "output": output});
    let mut differing = differences("process", &case.response, &found);
    differing.extend(secrets_in(sites, "output", &output));
    failure(case, &differing)
}

/// Sends the cases to one service.
fn ask(cases: &[Case], pve: &Pve, sites: &Sites, site: &Site) -> Vec<String> {
    let service =
        Service::start(sites, site).unwrap_or_else(|log| panic!("the service did not start:\n{log}"));
    let gateway = (!gateway_is_off()).then(|| Gateway::start(&service.endpoint.address));
    let direct = || service.endpoint.clone();
    let endpoint = gateway.as_ref().map_or_else(direct, |gateway| gateway.endpoint_of("deployer"));
    let answered = |case: &Case| {
        let differing = run(case, &endpoint, pve, sites);
        failure(case, &differing.unwrap_or_else(|error| vec![format!("no answer: {error}")]))
    };
    let mut failures: Vec<_> = cases.iter().filter_map(answered).collect();
    let mut wrong = secrets_in(sites, "the service's log", &service.log());
    wrong.extend(service.stop());
    failures.extend((!wrong.is_empty()).then(|| format!("at the end\n    {}", wrong.join("\n    "))));
    failures
}

fn chosen(selection: Selection, proxmox: &str) -> Vec<Case> {
    let only = std::env::var("RANGEHAND_TEST_V0_ONLY").unwrap_or_default();
    let cases = case::load(selection.file, proxmox).into_iter().filter(|case| case.site == selection.site);
    let part = cases.skip(selection.part).step_by(selection.of);
    part.filter(|case| case.id.contains(&only)).collect()
}

fn gateway_is_off() -> bool {
    std::env::var("RANGEHAND_TEST_V0_GATEWAY").is_ok_and(|value| value == "off")
}

fn failure(case: &Case, differing: &[String]) -> Option<String> {
    let rule = case.rule.map(|rule| format!(" (deviation, rule {rule})")).unwrap_or_default();
    (!differing.is_empty()).then(|| format!("{}{rule}\n    {}", case.id, differing.join("\n    ")))
}

/// What differs in one case.
fn run(case: &Case, endpoint: &Endpoint, pve: &Pve, sites: &Sites) -> io::Result<Vec<String>> {
    pve.prepare(&case.pre);
    match &case.kind {
        Kind::Request(request) => {
            let answer = send(endpoint, request)?;
            let mut differing = compare(&answer, &case.response, case.log);
            differing.extend(secrets_in(sites, "reply", &answer.body));
            differing.extend(compare_calls(case, pve));
            Ok(differing)
        }
        Kind::Ws(conversation) => {
            let (mut differing, said) = conversation::run(endpoint, pve, conversation, &case.response)?;
            differing.extend(secrets_in(sites, "frames", &said));
            Ok(differing)
        }
        Kind::PollCount(count) => conversation::count_polls(endpoint, pve, count, &case.response),
        Kind::Process {} => Ok(vec!["a case about the start stands beside others of its site".to_owned()]),
    }
}

fn send(endpoint: &Endpoint, request: &Request) -> io::Result<Answer> {
    let body = request.body.as_deref().map(padded);
    endpoint.send(&request.method, &request.path, &request.headers, body.as_deref())
}

/// Replaces `@PAD:n@` by n letters.
fn padded(body: &str) -> String {
    match body.split_once("@PAD:").and_then(|(before, rest)| Some((before, rest.split_once('@')?))) {
        Some((before, (count, after))) => {
            format!("{before}{}{after}", "A".repeat(count.parse().expect("a number")))
        }
        None => body.to_owned(),
    }
}

fn compare(answer: &Answer, expected: &Value, detail: Detail) -> Vec<String> {
    let mut differing = differences("status", &expected["status"], &answer.status.into());
    for (name, expected) in expected["headers"].as_object().into_iter().flatten() {
        let found = answer.header(name);
        differing.extend(match (expected.as_str(), found) {
            (Some(expected), Some(found)) => {
                differences(name, &normalise::header(name, expected), &normalise::header(name, found))
            }
            _ => differences(name, expected, &found.map_or(Value::Null, Value::from)),
        });
    }
    if let Some(expected) = expected.get("json") {
        match serde_json::from_str(&answer.body) {
            Ok(found) => {
                let mut expected = expected.clone();
                let found = normalise::reply(answer.status, found, detail, &mut expected);
                differing.extend(differences("reply", &expected, &found));
            }
            Err(_) => {
                differing.push(format!("reply: no JSON but {}", short(&Value::from(answer.body.as_str()))))
            }
        }
    } else if let Some(expected) = expected.get("text") {
        differing.extend(differences("text", expected, &Value::from(answer.body.as_str())));
    }
    differing
}

/// The calls that change something, in their order; what is read is free.
fn compare_calls(case: &Case, pve: &Pve) -> Vec<String> {
    let changing =
        |calls: Vec<Value>| Value::from_iter(calls.into_iter().filter(|call| call["method"] != "GET"));
    let expected = case.response.get("proxmox_calls").unwrap_or(&case.proxmox_calls);
    let expected = changing(expected.as_array().cloned().unwrap_or_default());
    differences("proxmox_calls", &expected, &changing(pve.calls()))
}

fn secrets_in(sites: &Sites, place: &str, text: &str) -> Vec<String> {
    let found = sites.secrets().into_iter().filter(|(_, secret)| text.contains(secret));
    found.map(|(name, _)| format!("{place}: contains the {name}")).collect()
}
