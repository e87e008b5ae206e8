//! The matrix: who reaches whom by networks, routers and rules.

use range::{Reachability, reachability::Verdict};

use crate::{example, read, with};

/// Verdicts as short texts: `=network`, `network: what`, `-`.
fn shown(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Direct { network } => format!("={network}"),
        Verdict::Allowed { network, allow } => {
            format!("{network}: {}", allow.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        }
        Verdict::Refused => "-".to_owned(),
    }
}

fn assert_matrix(yaml: &str, wanted: &[(&str, &str, &str)]) {
    let document = read(yaml).unwrap_or_else(|faults| panic!("{faults}"));
    let matrix = Reachability::new(&document);
    for (from, to, verdict) in wanted {
        assert_eq!(shown(&matrix.between(from, to).unwrap()), *verdict, "{from} -> {to}");
    }
}

#[test]
fn the_example_lets_the_database_port_pass_and_nothing_else() {
    let document = example();
    let matrix = Reachability::new(&document);
    let rows: Vec<String> =
        matrix.rows().map(|row| format!("{} {} {}", row.from, row.to, shown(&row.verdict))).collect();
    assert_eq!(
        rows,
        [
            "gw web =dmz",
            "gw db =internal",
            "gw uplink =uplink",
            "web gw =dmz",
            "web db internal: tcp/5432",
            "web uplink -",
            "db gw =internal",
            "db web -",
            "db uplink -",
        ]
    );
    assert_eq!(matrix.between("web", "nobody"), None);
}

#[test]
fn rules_go_by_the_networks_at_both_ends_or_by_machines() {
    assert_matrix(
        &with(
            "networks: {a: {}, b: {}, c: {}, d: {isolated: true}, e: {}}\nmachines:\n  gw: {template: t, role: jumpbox, networks: [a, b, uplink]}\n  \
             r: {template: t, role: router, networks: [b, c, d]}\n  ma: {template: t, networks: [a]}\n  mb: {template: t, networks: [b]}\n  \
             mc: {template: t, networks: [c]}\n  md: {template: t, networks: [d]}\n  me: {template: t, networks: [e]}\n  both: {template: t, networks: [c, a]}\n\
             rules:\n  - {from: a, to: c, allow: [tcp/80, icmp, tcp/80]}\n  - {from: ma, to: c, allow: [udp/53]}\n  - {from: any, to: mb, allow: [any, icmp]}\n  \
             - {from: any, to: uplink, allow: [tcp/443]}\n  - {from: md, to: any, allow: [icmp]}",
        ),
        &[
            ("ma", "mc", "c: icmp tcp/80 udp/53"),
            ("mc", "ma", "-"),
            ("mc", "mb", "b: any"),
            ("ma", "mb", "b: any"),
            ("ma", "gw", "=a"),
            ("mc", "gw", "-"),
            ("ma", "r", "c: icmp tcp/80 udp/53"),
            ("mc", "r", "=c"),
            ("ma", "md", "-"),
            ("md", "ma", "a: icmp"),
            ("me", "ma", "-"),
            ("md", "me", "-"),
            ("ma", "uplink", "uplink: tcp/443"),
            ("mc", "uplink", "uplink: tcp/443"),
            ("md", "uplink", "-"),
            ("me", "uplink", "-"),
            ("gw", "uplink", "=uplink"),
            // A machine with two networks answers through its first one: from elsewhere only that address is reached.
            ("md", "both", "c: icmp"),
            ("both", "ma", "=a"),
            ("gw", "both", "=a"),
            // Sends from its network on the way, here `b`.
            ("gw", "mc", "-"),
            ("r", "ma", "-"),
        ],
    );
}

#[test]
fn machines_that_do_not_forward_connect_nothing() {
    assert_matrix(
        &with(
            "networks: {a: {}, b: {}}\nmachines:\n  ma: {template: t, networks: [a]}\n  host: {template: t, networks: [a, b]}\n  \
             mb: {template: t, networks: [b]}\nrules: [{from: any, to: any, allow: [any]}]",
        ),
        &[("ma", "host", "=a"), ("mb", "host", "=b"), ("ma", "mb", "-"), ("ma", "uplink", "-")],
    );
}

#[test]
fn in_a_tree_leaves_reach_each_other_and_the_outside_through_routers() {
    let yaml = |role: &str| {
        with(&format!(
            "kind: tree\nmachines:\n  j: {{template: t, role: jumpbox, networks: [uplink]}}\n  r: {{template: t, role: {role}}}\n  \
             x: {{template: t}}\n  y: {{template: t}}\nlinks: [[j, r], [r, x], [y, r]]\nrules: [{{from: any, to: any, allow: [any]}}]"
        ))
    };
    assert_matrix(
        &yaml("router"),
        &[("x", "y", "y-r: any"), ("x", "uplink", "uplink: any"), ("j", "x", "r-x: any"), ("x", "r", "=r-x")],
    );
    // An inner machine that does not forward separates them.
    assert_matrix(
        &yaml("service"),
        &[("x", "y", "-"), ("x", "uplink", "-"), ("j", "x", "-"), ("x", "r", "=r-x")],
    );
}
