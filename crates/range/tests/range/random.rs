//! Random documents that pass all checks. They share names, so that two of them have things in common.

use proptest::prelude::*;
use range::{Document, PlatformRules};
use serde_json::{Map, Value, json};

/// What a machine of a random document is made from.
type MachineParts = (u8, [bool; 3], u8, Option<(u8, u8)>, u8, bool);
type LinkParts = (u8, u8);
type TaskParts = (u8, u8, Option<u8>, bool);

/// Valid documents for a platform.
pub(crate) fn documents(rules: PlatformRules) -> impl Strategy<Value = Document> {
    let machine = (
        0..4_u8,
        any::<[bool; 3]>(),
        1..4_u8,
        proptest::option::of((0..8_u8, 0..4_u8)),
        0..3_u8,
        any::<bool>(),
    );
    let task = (0..4_u8, 0..6_u8, proptest::option::of(0..4_u8), any::<bool>());
    let parts = (
        proptest::collection::vec(machine, 1..7),
        proptest::collection::vec((0..4_u8, any::<bool>()), 0..4),
        proptest::collection::vec((0..7_u8, 0..7_u8), 0..4),
        proptest::collection::vec((0..5_u8, 0..5_u8, 0..4_u8), 0..3),
        proptest::collection::vec(task, 0..4),
        (1..4_u8, any::<bool>(), any::<bool>()),
    );
    parts.prop_filter_map(
        "a document that passes the checks",
        move |(machines, networks, links, filters, tasks, (count, verify, named))| {
            let document = build(&machines, &networks, &links, &filters, &tasks, (count, verify, named));
            range::read_value(&document, &rules).ok()
        },
    )
}

fn build(
    machines: &[MachineParts],
    networks: &[(u8, bool)],
    links: &[LinkParts],
    filters: &[(u8, u8, u8)],
    tasks: &[TaskParts],
    (count, verify, named): (u8, bool, bool),
) -> Value {
    let made =
        |(place, parts): (usize, &MachineParts)| (format!("m{place}"), machine(place, parts, networks.len()));
    let linked = |(a, b): &LinkParts| {
        let (a, b) = (usize::from(*a) % machines.len(), usize::from(*b) % machines.len());
        (a < b).then(|| json!([format!("m{a}"), format!("m{b}")]))
    };
    let mut links: Vec<Value> = links.iter().filter_map(linked).collect();
    links.sort_by_key(Value::to_string);
    links.dedup();
    let side = |end: u8| match usize::from(end) {
        4 => json!("any"),
        end if end < networks.len() => json!(format!("n{end}")),
        end => json!(format!("m{}", end % machines.len())),
    };
    let allow = |kind: u8| ["any", "icmp", "tcp/22", "udp/1-9"][usize::from(kind)];
    let rules = filters
        .iter()
        .map(|(from, to, kind)| json!({"from": side(*from), "to": side(*to), "allow": [allow(*kind)]}));
    json!({
        "name": "random",
        "platform": "simulated",
        "instances": if named || count > 1 { json!({"count": count, "name": "t{n}"}) } else { json!(1) },
        "variables": {"domain": {"default": if verify { "a.test" } else { "b.test" }}},
        "networks": networks.iter().enumerate().map(network).collect::<Map<_, _>>(),
        "machines": machines.iter().enumerate().map(made).collect::<Map<_, _>>(),
        "links": links,
        "rules": rules.collect::<Vec<_>>(),
        "tasks": tasks.iter().enumerate().map(|(place, parts)| task(place, parts, machines.len())).collect::<Vec<_>>(),
        "verify": verify,
    })
}

/// Some subnets are fixed, and of these two are the same in different networks of two documents.
fn network((place, (cidr, isolated)): (usize, &(u8, bool))) -> (String, Value) {
    let name = format!("n{place}");
    match cidr {
        0 => (name, json!({ "isolated": isolated })),
        cidr => (
            name,
            json!({ "isolated": isolated, "cidr": format!("10.{}.0.0/24", (place + usize::from(*cidr)) % 5) }),
        ),
    }
}

fn machine(
    place: usize,
    (role, attached, cores, need, group, namespace): &MachineParts,
    networks: usize,
) -> Value {
    let role = if place == 0 { 2 } else { usize::from(*role) };
    let role = ["service", "router", "jumpbox", "local_jumpbox"][role];
    let mut nics: Vec<String> = (0..networks)
        .filter(|network| (place == 0 && *network < 2) || attached[*network])
        .map(|network| format!("n{network}"))
        .collect();
    if place == 0 {
        nics.push("uplink".to_owned());
    }
    let stages = ["created", "started", "ready", "configured"];
    let need = need
        .filter(|_| place > 0)
        .map(|(machine, stage)| format!("m{}.{}", usize::from(machine) % place, stages[usize::from(stage)]));
    let mut machine = json!({
        "role": role,
        "networks": nics,
        "cores": cores,
        "needs": need.into_iter().collect::<Vec<_>>(),
        "groups": [format!("g{group}")],
    });
    if *namespace {
        machine["kind"] = "namespace".into();
    } else {
        machine["template"] = format!("debian-1{group}").into();
    }
    machine
}

fn task(place: usize, (content, target, need, idempotent): &TaskParts, machines: usize) -> Value {
    let on = match target {
        0 => "all".to_owned(),
        1 => "role jumpbox".to_owned(),
        2 => "m0".to_owned(),
        other => format!("m{}", usize::from(*other) % machines),
    };
    let needs: Vec<String> = need
        .filter(|_| place > 0)
        .map(|need| format!("task{}", usize::from(need) % place))
        .into_iter()
        .collect();
    json!({
        "name": format!("task{place}"),
        "playbook": format!("play{content}"),
        "on": on,
        "needs": needs,
        "idempotent": idempotent,
        "vars": {"where": "${instance}.${domain}"},
    })
}
