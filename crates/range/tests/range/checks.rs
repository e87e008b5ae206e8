//! The checks: each fault with its path and code.

use range::{
    FaultCode::{self, *},
    PlatformRules,
    platform_rules::{Limits, NameRule, Template},
};

use crate::{faults, faults_on, read, with};

/// Asserts the faults of a document.
fn assert_faults(yaml: &str, wanted: &[(&str, FaultCode)]) {
    let wanted: Vec<(String, FaultCode)> =
        wanted.iter().map(|(path, code)| ((*path).to_owned(), *code)).collect();
    assert_eq!(faults(&with(yaml)), wanted, "{yaml}");
}

#[test]
fn names_must_refer_to_something() {
    assert_faults(
        "networks: {dmz: {}}\nmachines: {web: {template: t, networks: [dmz, lan], needs: [db, app.ready, app]}}\n\
         links: [[web, db]]\nrules: [{from: dnz, to: web, allow: [any]}, {from: uplink, to: any, allow: [icmp]}]\n\
         ready: {wbe: ssh}\ntasks: [{name: app, playbook: p, on: [group x, network lan, role router, db]}]",
        &[
            ("machines.web.networks[1]", UnknownName),
            ("machines.web.needs[0]", UnknownName),
            ("machines.web.needs[1]", NotAllowed),
            ("links[0]", UnknownName),
            ("rules[0].from", UnknownName),
            ("tasks[0].on", UnknownName),
            ("tasks[0].on", UnknownName),
            ("tasks[0].on", UnknownName),
            ("tasks[0].on", UnknownName),
            ("ready.wbe", UnknownName),
        ],
    );
}

#[test]
fn names_must_be_unique_and_not_reserved() {
    assert_faults(
        "networks: {web: {}, uplink: {}}\nmachines: {web: {template: t}, WEB: {template: t}, any: {template: t, networks: [web, web]}}\n\
         links: [[web, WEB], [web, WEB]]\ntasks: [{name: web, playbook: p, on: WEB}, {name: t, playbook: p, on: WEB}, {name: t, playbook: p, on: WEB}]",
        &[
            ("networks.uplink", NotAllowed),
            ("machines.web", Duplicate),
            ("machines.WEB", Duplicate),
            ("machines.any", NotAllowed),
            ("links[1]", Duplicate),
            ("tasks[0].name", Duplicate),
            ("tasks[2].name", Duplicate),
            ("machines.any.networks[1]", Duplicate),
            ("machines.WEB", Unreachable),
        ],
    );
}

#[test]
fn cycles_are_shown_with_their_path() {
    let yaml = with(
        "machines:\n  a: {template: t, needs: [b.created]}\n  b: {template: t, needs: [c.started]}\n  c: {template: t, needs: [a]}\n  \
         d: {template: t, needs: [d]}\n  e: {template: t, needs: [work]}\n\
         tasks: [{name: work, playbook: p, on: d, needs: [e.created]}, {name: x, playbook: p, on: d, needs: [y]}, {name: y, playbook: p, on: d, needs: [x]}]",
    );
    let rules = PlatformRules { reaches_machines: true, ..PlatformRules::default() };
    let faults = range::read_text(&yaml, range::document::text::Format::Yaml, &rules).unwrap_err();
    let found: Vec<(&str, &str)> =
        faults.list().iter().map(|fault| (fault.path.as_str(), fault.message.as_str())).collect();
    assert_eq!(
        found,
        [
            (
                "machines.a.needs",
                "cycle of needs: a.created -> a.started -> a.ready -> c.created -> c.started -> b.created -> a.created"
            ),
            ("machines.d.needs", "cycle of needs: d.created -> d.started -> d.ready -> d.created"),
            ("machines.e.needs", "cycle of needs: e.created -> work -> e.created"),
            ("tasks[1].needs", "cycle of needs: x -> y -> x"),
        ]
    );
}

#[test]
fn waiting_for_a_machine_behind_oneself_is_a_cycle() {
    let yaml = |ready: &str| {
        with(&format!(
            "networks: {{dmz: {{}}}}\nmachines:\n  gw: {{template: t, role: router, networks: [dmz, uplink], needs: [web]}}\n  \
             web: {{template: t, networks: [dmz]}}\nready: {{web: {ready}}}"
        ))
    };
    assert_eq!(faults(&yaml("ssh")), [("machines.gw.needs".to_owned(), Cycle)]);
    assert_eq!(faults(&yaml("agent")), [], "the agent of the platform needs no path");
    let local = PlatformRules { reaches_machines: true, ..PlatformRules::default() };
    assert_eq!(faults_on(&yaml("ssh"), &local), []);
    // A task needs the path whatever the probe.
    let task = yaml("agent").replace("needs: [web]", "needs: [work]")
        + "\ntasks: [{name: work, playbook: p, on: web}]";
    assert_eq!(faults(&task), [("machines.gw.needs".to_owned(), Cycle)]);
    assert_eq!(faults_on(&task, &local), []);
}

#[test]
fn addresses_lie_in_their_network_once_and_leave_the_gateway_alone() {
    assert_faults(
        "networks: {a: {cidr: 10.0.1.0/24}, b: {}, c: {cidr: 10.0.1.128/25}, d: {cidr: \"fd00::/64\"}}\nmachines:\n  \
         gw: {template: t, role: router, networks: [a, {name: b, address: 10.9.0.1}]}\n  \
         m1: {template: t, networks: [{name: a, address: 10.0.1.0}]}\n  \
         m2: {template: t, networks: [{name: a, address: 10.0.2.5}]}\n  \
         m3: {template: t, networks: [{name: a, address: 10.0.1.5}, {name: c, address: 10.0.1.255}]}\n  \
         m4: {template: t, networks: [{name: a, address: 10.0.1.5}, {name: d, address: 10.0.0.1}]}\n  \
         m5: {template: t, networks: [{name: a, address: 10.0.1.1}, {name: d, address: \"fd00::ffff\"}]}",
        &[
            ("networks.c.cidr", Overlap),
            ("machines.m1.networks[0].address", AddressOutside),
            ("machines.m2.networks[0].address", AddressOutside),
            ("machines.m4.networks[0].address", AddressTaken),
            ("machines.m5.networks[0].address", GatewayClash),
            ("machines.gw.networks[1].address", AddressOutside),
            ("machines.m3.networks[1].address", AddressOutside),
            ("machines.m4.networks[1].address", AddressOutside),
        ],
    );
    // The gateway is where the router is, so `.1` is free once the router is elsewhere; and without a router.
    assert_faults(
        "networks: {a: {cidr: 10.0.1.0/24}, b: {cidr: 10.0.2.0/24}}\nmachines:\n  \
         gw: {template: t, role: router, networks: [{name: a, address: 10.0.1.254}]}\n  \
         m: {template: t, networks: [{name: a, address: 10.0.1.1}, {name: b, address: 10.0.2.1}]}",
        &[],
    );
    let many: String = (0..3).map(|n| format!("  m{n}: {{template: t, networks: [a]}}\n")).collect();
    assert_faults(
        &format!("networks: {{a: {{cidr: 10.0.1.0/30}}}}\nmachines:\n{many}"),
        &[("networks.a.cidr", Exhausted)],
    );
}

#[test]
fn an_isolated_network_has_no_rule_with_the_uplink() {
    assert_faults(
        "networks: {a: {isolated: true}}\nmachines: {}\nrules: [{from: a, to: uplink, allow: [any]}, {from: uplink, to: a, allow: [any]}, {from: any, to: any, allow: [any]}]",
        &[("rules[0]", NotAllowed), ("rules[1]", NotAllowed)],
    );
}

#[test]
fn tasks_have_one_content_and_known_variables() {
    assert_faults(
        "variables: {a: {default: 1}, b-c: {}, s: {type: secret, default: x}, n: {type: integer, default: 7}}\n\
         machines: {m: {template: t, role: jumpbox}}\nready: {m: {tcp: 22, by: ssh}}\n\
         tasks: [{name: t0}, {name: t1, playbook: p, bundle: b}, {name: t2, scenario: s, vars: {1x: 1, k: [\"${n}\", {z: \"${nn} $${x}\"}]}}]",
        &[
            ("tasks[2].vars.1x", Invalid),
            ("variables.a.default", WrongType),
            ("variables.b-c", Invalid),
            ("variables.s.default", NotAllowed),
            ("tasks[0]", Missing),
            ("tasks[1]", NotAllowed),
            ("tasks[2].vars.k[1].z", UnknownName),
            ("ready.m", NotAllowed),
        ],
    );
}

#[test]
fn a_machine_with_a_task_must_be_reached() {
    let yaml = |more: &str| {
        with(&format!(
            "networks: {{a: {{}}, b: {{}}, c: {{}}}}\nmachines:\n  gw: {{template: t, role: jumpbox, networks: [a]}}\n  \
             r: {{template: t, role: router, networks: [a, b]}}\n  behind: {{template: t, networks: [b]}}\n  \
             lost: {{template: t, networks: [c]}}\n  own: {{template: t, networks: [c, uplink]}}\ntasks: [{{name: t, playbook: p{more}}}]"
        ))
    };
    assert_eq!(faults(&yaml("")), [("machines.lost".to_owned(), Unreachable)]);
    assert_eq!(faults(&yaml(", on: [gw, r, behind, own]")), []);
    let local = PlatformRules { reaches_machines: true, ..PlatformRules::default() };
    assert_eq!(faults_on(&yaml(""), &local), []);
}

/// The table of accepted and refused names of `reference/platforms.md`, from the validators of Proxmox VE.
#[test]
fn a_platform_refuses_the_names_that_it_does_not_take() {
    let proxmox = NameRule { dots: true, max_bytes: 253, ..NameRule::default() };
    let azure_windows = NameRule { max_bytes: 15, reserved: vec!["admin".to_owned()], ..NameRule::default() };
    let strict = NameRule { uppercase: false, begins_with_letter: true, ..NameRule::default() };
    for (rule, name, is_accepted) in [
        (&proxmox, "web-01", true),
        (&proxmox, "lab1.gw", true),
        (&proxmox, "web_01", false),
        (&proxmox, "-bad", false),
        (&proxmox, "bad-", false),
        (&proxmox, "a..b", false),
        (&proxmox, "a.-b", false),
        (&proxmox, "Kali Box", false),
        (&proxmox, "", false),
        (&proxmox, "ünicode", false),
        (&azure_windows, "fifteen-letters", true),
        (&azure_windows, "sixteen-letters-", false),
        (&azure_windows, "sixteen-letters1", false),
        (&azure_windows, "admin", false),
        (&strict, "web", true),
        (&strict, "Web", false),
        (&strict, "1web", false),
        (&strict, "lab1.gw", false),
    ] {
        assert_eq!(rule.check(name).is_ok(), is_accepted, "{name}: {:?}", rule.check(name));
    }
    // With the name of the instance in front: that is what the platform is given.
    let rules = PlatformRules { machine_names: azure_windows, ..PlatformRules::default() };
    let yaml = with(
        "instances: {count: 100, name: \"team{n}\"}\nmachines: {seven77: {template: t}, eight888: {template: t}}",
    );
    assert_eq!(faults_on(&yaml, &rules), [("machines.eight888".to_owned(), PlatformName)]);
}

#[test]
fn a_platform_has_templates_kinds_and_limits() {
    let rules = PlatformRules {
        max_nics: 2,
        kinds: vec![range::document::MachineKind::Guest],
        templates: Some(
            [("debian-12".to_owned(), Template { cores: Some(2), memory_mb: Some(512), disk_gb: Some(10) })]
                .into(),
        ),
        limits: Limits {
            instances: Some(1),
            machines: Some(7),
            networks: Some(5),
            cores: Some(10),
            memory_mb: Some(4096),
            disk_gb: Some(50),
        },
        ..PlatformRules::default()
    };
    let yaml = with(
        "instances: 2\nnetworks: {a: {}, b: {}, c: {}}\nmachines:\n  m1: {template: debian-12, networks: [a, b, c]}\n  m2: {template: debain-12}\n  \
         m3: {kind: namespace}\n  m4: {}\n  m5: {template: debian-12, disk_gb: 5, cores: 4}\n  m6: {kind: namespace, template: debian-12}",
    );
    let found = faults_on(&yaml, &rules);
    let wanted = [
        ("machines.m1.networks", PlatformLimit),
        ("machines.m2.template", UnknownName),
        ("machines.m3.kind", PlatformLimit),
        ("machines.m4.template", Missing),
        ("machines.m5.template", OutOfRange),
        ("machines.m6.kind", PlatformLimit),
        ("machines.m6.template", NotAllowed),
        ("", Quota),
        ("", Quota),
        ("", Quota),
        ("", Quota),
        ("", Quota),
        ("", Quota),
    ];
    assert_eq!(found, wanted.map(|(path, code)| (path.to_owned(), code)));
}

#[test]
fn a_range_has_an_end() {
    let machines: String = (0..60).map(|n| format!("  m{n}: {{kind: namespace}}\n")).collect();
    let found = faults(&with(&format!("instances: 1000\nmachines:\n{machines}")));
    assert_eq!(found, [("machines".to_owned(), TooLarge)]);
}

#[test]
fn a_tree_has_links_only_no_cycle_one_part_and_one_main_jumpbox() {
    let tree = |more: &str| {
        with(&format!(
            "kind: tree\nmachines: {{j: {{template: t, role: jumpbox, networks: [uplink]}}, a: {{template: t, role: local_jumpbox}}, b: {{template: t}}, c: {{template: t}}}}\n{more}"
        ))
    };
    let found = |more: &str| faults(&tree(more));
    assert_eq!(found("links: [[j, a], [a, b], [c, a]]"), []);
    assert_eq!(found("links: [[j, a], [a, b], [b, j], [c, j]]"), [("links[2]".to_owned(), NotATree)]);
    assert_eq!(found("links: [[j, a], [a, b]]"), [("links".to_owned(), NotATree)]);
    assert_eq!(found("links: [[j, a], [a, b], {between: [b, a], name: x}, [c, c]]").len(), 3);
    assert_eq!(
        found("networks: {n: {}}\nlinks: [[j, a], [a, b], [c, a]]"),
        [("networks".to_owned(), NotAllowed)]
    );
    let jumpboxes = tree("links: [[j, a], [a, b], [c, a]]").replace("local_jumpbox", "jumpbox");
    assert_eq!(faults(&jumpboxes), [("machines".to_owned(), Jumpbox)]);
    assert_eq!(
        faults(&with("kind: tree\nmachines: {}")),
        [("machines".to_owned(), Jumpbox), ("machines".to_owned(), NotATree)]
    );
    assert_eq!(
        faults(&with("kind: tree\nmachines: {j: {template: t, role: jumpbox}}")),
        [],
        "one machine is a tree"
    );
    let faults = read(&tree("links: [[j, a], [a, b], [b, j], [c, j]]")).unwrap_err();
    assert_eq!(faults.list()[0].message, "the link closes a cycle: j -> a -> b -> j");
}
