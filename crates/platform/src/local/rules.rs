//! Routes and rules of a machine that forwards packets: a table of nftables and routes in its own namespace.
//!
//! What is set is recorded as the kernel lists it, so a rule that was changed by hand is found.

use std::{collections::BTreeSet, net::IpAddr};

use ipnet::IpNet;
use range::{
    document::{Allow, names::ANY},
    expand::spec::{MachineSpec, RouterSpec, RuleSpec, Side},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    home::MachineDir,
    kernel::{Netlink, flush, listing, nft, route},
    options::UPLINK,
};
use crate::{error::Error, observed::RulesState, platform::Change};

const TABLE: &str = "rangehand";
const RECORD: &str = "rules.json";
const FORWARD: &str = "/proc/sys/net/ipv4/ip_forward";
const FORWARD_6: &str = "/proc/sys/net/ipv6/conf/all/forwarding";

/// What was set.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    spec: RouterSpec,
    /// The interfaces at that time: rules name them.
    nics: Vec<range::expand::spec::NicSpec>,
    listing: String,
}

/// Makes the rules be as wanted. The calling thread is in the namespace of the machine.
pub(super) fn ensure(dir: &MachineDir, machine: &MachineSpec, spec: &RouterSpec) -> Result<Change, Error> {
    let before: Option<Record> = dir.read(RECORD);
    let is_same = before.as_ref().is_some_and(|before| before.spec == *spec && before.nics == machine.nics);
    if is_same && state_of(before.as_ref())? == RulesState::Set {
        return Ok(Change::Adopted);
    }
    // First the rules, then the forwarding: nothing passes before it may.
    nft(&commands(machine, spec))?;
    let mut inside = Netlink::open()?;
    let wanted: BTreeSet<_> = spec.routes.iter().map(|route| (Some(route.to.0), route.via)).collect();
    for (to, via) in
        inside.own_routes()?.into_iter().filter(|found| found.0.is_some() && !wanted.contains(found))
    {
        inside.remove_route(to, via)?;
    }
    inside.run(wanted.iter().map(|(to, via)| route(*to, *via)).collect())?;
    set_forwarding("1");
    let listing = listing(TABLE)?.unwrap_or_default();
    dir.write(RECORD, &Record { spec: spec.clone(), nics: machine.nics.clone(), listing })?;
    Ok(if before.is_some() { Change::Corrected } else { Change::Created })
}

/// Removes the rules and routes. The calling thread is in the namespace of the machine.
pub(super) fn remove(dir: &MachineDir) -> Result<(), Error> {
    if !dir.file(RECORD).exists() {
        return Ok(());
    }
    set_forwarding("0");
    flush(TABLE)?;
    let mut inside = Netlink::open()?;
    for (to, via) in inside.own_routes()?.into_iter().filter(|(to, _)| to.is_some()) {
        inside.remove_route(to, via)?;
    }
    dir.forget(RECORD);
    Ok(())
}

/// Are the rules as they were set? The calling thread is in the namespace of the machine.
pub(super) fn state(dir: &MachineDir) -> Result<RulesState, Error> {
    state_of(dir.read(RECORD).as_ref())
}

/// Were any set?
pub(super) fn are_set(dir: &MachineDir) -> bool {
    dir.file(RECORD).exists()
}

fn state_of(record: Option<&Record>) -> Result<RulesState, Error> {
    let Some(record) = record else { return Ok(RulesState::None) };
    let wanted: BTreeSet<_> = record.spec.routes.iter().map(|route| (Some(route.to.0), route.via)).collect();
    let found: BTreeSet<_> =
        Netlink::open()?.own_routes()?.into_iter().filter(|(to, _)| to.is_some()).collect();
    let forwards = std::fs::read_to_string(FORWARD).is_ok_and(|text| text.trim() == "1");
    let is_set = wanted == found && forwards && listing(TABLE)?.as_deref() == Some(&record.listing);
    Ok(if is_set { RulesState::Set } else { RulesState::Changed })
}

fn set_forwarding(value: &str) {
    for file in [FORWARD, FORWARD_6] {
        // A kernel without IPv6 has only one of them; the state says if forwarding is off.
        let _ = std::fs::write(file, value);
    }
}

/// The table as one transaction that replaces the one before.
fn commands(machine: &MachineSpec, spec: &RouterSpec) -> Vec<Value> {
    let outside = outside(machine);
    // Nothing of the range is reached through an uplink of its own.
    let inside = if uplink(machine).is_some() { &[][..] } else { &spec.rules.inside };
    let table = json!({ "family": "inet", "name": TABLE });
    let chain = |name: &str, kind: &str, hook: &str, priority: i32, policy: &str| {
        json!({ "add": { "chain": {
            "family": "inet", "table": TABLE, "name": name,
            "type": kind, "hook": hook, "prio": priority, "policy": policy,
        } } })
    };
    let mut commands = vec![
        json!({ "add": { "table": table } }),
        json!({ "delete": { "table": table } }),
        json!({ "add": { "table": table } }),
        chain("forward", "filter", "forward", 0, "drop"),
        rule(
            "forward",
            vec![
                matches(json!({ "ct": { "key": "state" } }), "in", json!(["established", "related"])),
                json!({ "accept": null }),
            ],
        ),
    ];
    // What leaves by the interface that it came from is between the network there and another router on it, which applies the rules.
    // Replies to what came through that router would be refused here.
    for (at, _) in machine.nics.iter().enumerate().filter(|(_, nic)| nic.network != UPLINK) {
        let same = |key: &str| matches(json!({ "meta": { "key": key } }), "==", json!(format!("eth{at}")));
        commands.push(rule("forward", vec![same("iifname"), same("oifname"), json!({ "accept": null })]));
    }
    for subnet in &spec.rules.isolated {
        let is_v4 = subnet.0.addr().is_ipv4();
        for (interface, other, field) in [("oifname", "daddr", "saddr"), ("iifname", "saddr", "daddr")] {
            let Some(outside) = &outside else { continue };
            let mut expressions = from_or_to_outside(outside, interface, other, inside, is_v4);
            expressions.push(address_match(field, &[subnet.0]));
            expressions.push(json!({ "drop": null }));
            commands.push(rule("forward", expressions));
        }
    }
    for one in &spec.rules.rules {
        commands.extend(rules_of(one, outside.as_deref(), inside));
    }
    if let Some(outside) = uplink(machine).filter(|_| spec.nat) {
        commands.push(chain("postrouting", "nat", "postrouting", 100, "accept"));
        commands.push(rule(
            "postrouting",
            vec![
                matches(json!({ "meta": { "key": "oifname" } }), "==", json!(outside)),
                json!({ "masquerade": null }),
            ],
        ));
    }
    commands
}

/// A rule of the document: one of nftables for each family and permission.
fn rules_of(spec: &RuleSpec, outside: Option<&str>, inside: &[IpNet]) -> Vec<Value> {
    let mut rules = Vec::new();
    let is_any = spec.from.name == ANY && spec.to.name == ANY;
    // Without addresses one round is for both families.
    for is_v4 in if is_any { &[true][..] } else { &[true, false] } {
        let from = side(&spec.from, ("saddr", "iifname"), outside, inside, *is_v4);
        let to = side(&spec.to, ("daddr", "oifname"), outside, inside, *is_v4);
        let (Some(from), Some(to)) = (from, to) else { continue };
        for allow in &spec.allow {
            let parts = from.iter().chain(&to).cloned().chain(permission(*allow));
            rules.push(rule("forward", parts.chain([json!({ "accept": null })]).collect()));
        }
    }
    rules
}

/// The matches of one side of a rule; `None` if it has nothing in this family.
fn side(
    side: &Side,
    (field, interface): (&str, &str),
    outside: Option<&str>,
    inside: &[IpNet],
    is_v4: bool,
) -> Option<Vec<Value>> {
    match side.name.as_str() {
        ANY => Some(Vec::new()),
        UPLINK => Some(from_or_to_outside(outside?, interface, field, inside, is_v4)),
        _ => {
            let addresses: Vec<IpNet> =
                side.addresses.iter().filter(|net| net.addr().is_ipv4() == is_v4).copied().collect();
            (!addresses.is_empty()).then(|| vec![address_match(field, &addresses)])
        }
    }
}

/// Matches what passes the interface that leads outside and is for, or from, no network of the range: behind another router, networks
/// of the range are reached through the same interface.
fn from_or_to_outside(
    outside: &str,
    interface: &str,
    field: &str,
    inside: &[IpNet],
    is_v4: bool,
) -> Vec<Value> {
    let family = if is_v4 { "ipv4" } else { "ipv6" };
    let mut expressions = vec![
        matches(json!({ "meta": { "key": "nfproto" } }), "==", json!(family)),
        matches(json!({ "meta": { "key": interface } }), "==", json!(outside)),
    ];
    let own: Vec<IpNet> = inside.iter().filter(|net| net.addr().is_ipv4() == is_v4).copied().collect();
    if !own.is_empty() {
        expressions.push(compare_address(field, "!=", &own));
    }
    expressions
}

fn permission(allow: Allow) -> Option<Value> {
    let ports = |protocol: &str, first: u16, last: u16| {
        let field = json!({ "payload": { "protocol": protocol, "field": "dport" } });
        matches(field, "==", if first == last { json!(first) } else { json!({ "range": [first, last] }) })
    };
    match allow {
        Allow::Any => None,
        Allow::Icmp => Some(matches(
            json!({ "meta": { "key": "l4proto" } }),
            "==",
            json!({ "set": ["icmp", "ipv6-icmp"] }),
        )),
        Allow::Tcp(first, last) => Some(ports("tcp", first, last)),
        Allow::Udp(first, last) => Some(ports("udp", first, last)),
    }
}

fn address_match(field: &str, addresses: &[IpNet]) -> Value {
    compare_address(field, "==", addresses)
}

fn compare_address(field: &str, op: &str, addresses: &[IpNet]) -> Value {
    let protocol = if addresses.first().is_some_and(|net| net.addr().is_ipv4()) { "ip" } else { "ip6" };
    let prefix =
        |net: &IpNet| json!({ "prefix": { "addr": net.network().to_string(), "len": net.prefix_len() } });
    let set: Vec<Value> = addresses.iter().map(prefix).collect();
    matches(json!({ "payload": { "protocol": protocol, "field": field } }), op, json!({ "set": set }))
}

fn matches(left: Value, op: &str, right: Value) -> Value {
    json!({ "match": { "op": op, "left": left, "right": right } })
}

fn rule(chain: &str, expressions: Vec<Value>) -> Value {
    json!({ "add": { "rule": { "family": "inet", "table": TABLE, "chain": chain, "expr": expressions } } })
}

/// The interface on the uplink.
fn uplink(machine: &MachineSpec) -> Option<String> {
    machine.nics.iter().position(|nic| nic.network == UPLINK).map(|at| format!("eth{at}"))
}

/// The interface that leads outside: that on the uplink, else that of the gateway.
fn outside(machine: &MachineSpec) -> Option<String> {
    let leads_to = |gateway: IpAddr| {
        let on = |nic: &range::expand::spec::NicSpec| nic.address.is_some_and(|own| own.contains(&gateway));
        machine.nics.iter().position(on).map(|at| format!("eth{at}"))
    };
    uplink(machine).or_else(|| machine.gateway.and_then(leads_to))
}
