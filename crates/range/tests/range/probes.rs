//! Packets that prove who reaches whom.

use std::collections::BTreeMap;

use range::{
    Desired, Leases, PlatformRules, Reachability, Values,
    probes::{Arrival, MAX_PAIRS, MAX_SENDERS, Probes, probes},
};

use crate::{read, with};

const LAB: &str = "name: r\nplatform: simulated\ninstances: {count: 2, name: 't{n}'}\nnetworks:\n  a: {cidr: 10.0.1.0/24}\n  \
    b: {cidr: 10.0.2.0/24}\nmachines:\n  gw: {template: t, role: jumpbox, networks: [a, b, uplink]}\n  \
    x: {template: t, networks: [a]}\n  y: {template: t, networks: [b]}\n  z: {template: t, networks: [a]}\n\
    rules:\n  - {from: a, to: b, allow: [tcp/20-30, udp/53]}\n  - {from: any, to: uplink, allow: [tcp/443]}\n\
    tasks: [{name: base, bundle: b, on: x}]\n";

fn made(yaml: &str) -> (range::Document, Desired) {
    let document = read(yaml).unwrap_or_else(|faults| panic!("{faults}"));
    let rules = PlatformRules::default();
    let desired = range::expand(&document, &Values::default(), &Leases::default(), &rules).unwrap();
    (document, desired)
}

fn of_instance(yaml: &str, instance: &str, outside: Option<&str>) -> Probes {
    let (document, desired) = made(yaml);
    let machines: Vec<_> = desired
        .machines
        .iter()
        .filter(|machine| machine.instance == instance)
        .map(|machine| &**machine)
        .collect();
    probes(&Reachability::new(&document), &machines, outside.map(|address| address.parse().unwrap()))
}

#[test]
fn each_pair_is_tested_with_what_passes_and_what_does_not() {
    let probes = of_instance(LAB, "t2", Some("192.0.2.1"));
    let shown = |from: &str, to: &str| -> Vec<String> {
        let sign = |passes: bool| if passes { '+' } else { '-' };
        let list = probes.by_machine[from].iter().filter(|probe| probe.to == to);
        list.map(|probe| format!("{}{} {}", sign(probe.passes), probe.packet, probe.address)).collect()
    };
    assert_eq!(shown("t2-x", "t2-z"), ["+icmp 10.0.1.11", "+tcp/22 10.0.1.11"]);
    assert_eq!(
        shown("t2-x", "t2-y"),
        [
            "-icmp 10.0.2.10",
            "+tcp/20 10.0.2.10",
            "-tcp/80 10.0.2.10",
            "+udp/53 10.0.2.10",
            "-udp/22 10.0.2.10"
        ]
    );
    assert_eq!(shown("t2-y", "t2-x"), ["-icmp 10.0.1.10", "-tcp/22 10.0.1.10"]);
    assert_eq!(shown("t2-gw", "t2-y"), ["+icmp 10.0.2.10", "+tcp/22 10.0.2.10"]);
    assert_eq!(
        shown("t2-y", "t2-gw"),
        ["+icmp 10.0.2.1", "+tcp/22 10.0.2.1"],
        "on the network that both share"
    );
    assert_eq!(shown("t2-x", "uplink"), ["-icmp 192.0.2.1", "+tcp/443 192.0.2.1", "-tcp/22 192.0.2.1"]);
    // Of the host outside, it isn't known which ports are open.
    assert_eq!(shown("t2-gw", "uplink"), ["+icmp 192.0.2.1"]);
    assert_eq!((probes.pairs, probes.all_pairs), (12, 12));
    let texts = probes.texts();
    assert!(texts["t2-x"].starts_with("icmp 10.0.1.1;tcp/22 10.0.1.1;"), "{}", texts["t2-x"]);
    let outside = of_instance(LAB, "t2", None);
    assert!(outside.by_machine.values().flatten().all(|probe| probe.to != "uplink"));
    let other_version = of_instance(LAB, "t2", Some("2001:db8::1"));
    let senders: Vec<&String> = other_version
        .by_machine
        .iter()
        .filter(|(_, list)| list.iter().any(|probe| probe.to == "uplink"))
        .map(|(machine, _)| machine)
        .collect();
    assert_eq!(senders, ["t2-gw"], "machines without such an address can't send there");
}

#[test]
fn results_that_differ_from_the_matrix_are_mismatches() {
    let probes = of_instance(LAB, "t1", None);
    let right = |from: &str| -> String {
        probes.by_machine[from].iter().map(|probe| if probe.passes { 'y' } else { 'n' }).collect()
    };
    let mut results: BTreeMap<String, String> =
        probes.by_machine.keys().map(|from| (from.clone(), right(from))).collect();
    assert_eq!(probes.compare(&results), []);
    // No answer to UDP proves nothing.
    let unknown = results["t1-x"].clone();
    results.insert("t1-x".to_owned(), unknown.replace('y', "u"));
    assert_eq!(probes.compare(&results), []);
    // What must be refused passed, and the other way around.
    let place = probes.by_machine["t1-y"].iter().position(|probe| !probe.passes).unwrap();
    let mut letters = right("t1-y");
    letters.replace_range(place..=place, "y");
    results.insert("t1-y".to_owned(), letters);
    results.insert("t1-z".to_owned(), right("t1-z").replacen('y', "n", 1));
    results.remove("t1-gw");
    let shown: Vec<String> = probes.compare(&results).iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "`t1-gw` sent no packets",
            "icmp from `t1-y` to `t1-x` must be refused, and passed",
            "icmp from `t1-z` to `t1-gw` must pass, and did not",
        ]
    );
    // Results of other packets are no results.
    results.insert("t1-z".to_owned(), "yy".to_owned());
    assert_eq!(probes.compare(&results)[2].observed, Arrival::Unknown);
}

#[test]
fn a_large_range_is_sampled_evenly() {
    let mut yaml = with("networks: {n: {cidr: 10.0.0.0/16}}\nmachines:\n");
    for number in 0..5_000 {
        yaml.push_str(&format!("  m{number}: {{kind: namespace, networks: [n]}}\n"));
    }
    let probes = of_instance(&yaml, "", None);
    assert_eq!((probes.by_machine.len(), probes.pairs), (MAX_SENDERS, MAX_PAIRS));
    assert_eq!(probes.all_pairs, 5_000 * 4_999);
    let mut targets: Vec<&str> =
        probes.by_machine.values().flatten().map(|probe| probe.to.as_str()).collect();
    targets.sort_unstable();
    targets.dedup();
    assert!(targets.len() > 2_500, "{} machines are tested", targets.len());
    assert_eq!(probes, of_instance(&yaml, "", None), "the same each time");
}
