//! Expansion: instances, subnets from the pool, addresses, routes, and variables.

use std::collections::BTreeMap;

use range::{
    FaultCode, Leases, PlatformRules, Values,
    expand::spec::{Desired, VariableValue},
    platform_rules::Pool,
};
use serde_json::json;

use crate::{desired, example, read, with};

fn addresses(desired: &Desired) -> BTreeMap<String, Vec<String>> {
    let nic = |nic: &range::expand::spec::NicSpec| match nic.address {
        Some(address) => format!("{} {address}", nic.network),
        None => nic.network.clone(),
    };
    desired
        .machines
        .iter()
        .map(|machine| (machine.name.clone(), machine.nics.iter().map(nic).collect()))
        .collect()
}

#[test]
fn each_instance_has_its_own_names_and_the_same_fixed_subnets() {
    let desired = desired(&example(), &Leases::default());
    assert_eq!((desired.networks.len(), desired.machines.len(), desired.tasks.len()), (24, 36, 24));
    let found = addresses(&desired);
    assert_eq!(found["team01-gw"], ["team01-dmz 10.0.1.1/24", "team01-internal 10.0.2.1/24", "uplink"]);
    assert_eq!(found["team12-web"], ["team12-dmz 10.0.1.10/24"]);
    assert_eq!(found["team12-db"], ["team12-internal 10.0.2.10/24"]);
    let web = desired.machines.iter().find(|machine| machine.name == "team03-web").unwrap();
    assert_eq!(web.needs[0].name, "team03-gw");
    assert_eq!(web.gateway.unwrap().to_string(), "10.0.1.1");
    assert_eq!(web.upstream.as_deref(), Some("team03-gw"));
    let app = desired.tasks.iter().find(|task| task.name == "team03-app").unwrap();
    assert_eq!(app.machines, ["team03-web"]);
    assert_eq!(app.vars["fqdn"], "web.range.test");
    assert_eq!(app.variables["domain"], VariableValue::Value(json!("range.test")));
    assert_eq!(app.variables["admin_password"], VariableValue::Secret("f1".to_owned()));
    assert_eq!(
        app.needs.iter().map(|need| need.name.as_str()).collect::<Vec<_>>(),
        ["team03-base", "team03-db"]
    );
    let router = &desired.routers[0];
    assert_eq!((router.name.as_str(), router.nat, router.routes.len()), ("team01-gw", true, 0));
    assert_eq!(router.rules.rules[0].from.addresses[0].to_string(), "10.0.1.0/24");
    assert_eq!(router.rules.isolated[0].to_string(), "10.0.2.0/24");
}

#[test]
fn subnets_come_from_the_pool_and_avoid_what_is_taken_or_fixed() {
    let document = read(&with(
        "instances: 2\nnetworks: {a: {}, b: {cidr: 10.0.2.0/24}}\nmachines:\n  r: {template: t, role: jumpbox, networks: [a, b]}\n  m: {template: t}\nlinks: [[r, m]]",
    ))
    .unwrap();
    let pool = Pool { subnets: vec!["10.0.0.0/21".parse().unwrap()], network_bits: 8, link_bits: 2 };
    let rules = PlatformRules { pool, ..PlatformRules::default() };
    let leases = Leases {
        taken: vec!["10.0.0.0/24".parse().unwrap(), "10.0.1.0/30".parse().unwrap()],
        ..Leases::default()
    };
    let expand = |leases: &Leases| range::expand(&document, &Values::default(), leases, &rules);
    let desired = expand(&leases).unwrap();
    let nets: Vec<String> =
        desired.networks.iter().map(|network| format!("{} {}", network.name, network.cidr)).collect();
    assert_eq!(
        nets,
        [
            "i01-a 10.0.3.0/24",
            "i01-b 10.0.2.0/24",
            "i01-r-m 10.0.1.4/30",
            "i02-a 10.0.4.0/24",
            "i02-b 10.0.2.0/24",
            "i02-r-m 10.0.1.8/30"
        ]
    );
    let found = addresses(&desired);
    assert_eq!(found["i01-r"], ["i01-r-m 10.0.1.5/30", "i01-a 10.0.3.1/24", "i01-b 10.0.2.1/24"]);
    assert_eq!(found["i01-m"], ["i01-r-m 10.0.1.6/30"]);
    // What is leased stays, whatever becomes free before it.
    let held = desired.leases(&document);
    assert_eq!(held.subnets.keys().collect::<Vec<_>>(), ["i01-a", "i01-r-m", "i02-a", "i02-r-m"]);
    assert_eq!(expand(&held).unwrap().networks, desired.networks);
    let full = Leases {
        taken: vec![
            "10.0.0.0/22".parse().unwrap(),
            "10.0.5.0/24".parse().unwrap(),
            "10.0.6.0/23".parse().unwrap(),
        ],
        ..Leases::default()
    };
    let faults = expand(&full).unwrap_err();
    assert_eq!(faults.list()[0].code, FaultCode::Exhausted);
    assert_eq!(faults.list()[0].message, "the pool has no free subnet for the network `i01-r-m`");
}

#[test]
fn addresses_stay_when_machines_come_and_go() {
    let yaml =
        |machines: &str| with(&format!("networks: {{n: {{cidr: 10.0.0.0/24}}}}\nmachines:\n{machines}"));
    let of = |names: &[&str]| {
        names.iter().map(|name| format!("  {name}: {{template: t, networks: [n]}}\n")).collect::<String>()
    };
    let first = read(&yaml(&of(&["a", "b", "c"]))).unwrap();
    let before = desired(&first, &Leases::default());
    assert_eq!(addresses(&before)["b"], ["n 10.0.0.11/24"]);
    // `new` comes first and `a` is removed: the others keep what they have, and the address of `a` is not used yet.
    let second = read(&yaml(&of(&["new", "c", "b"]))).unwrap();
    let found = addresses(&desired(&second, &before.leases(&first)));
    assert_eq!(found["b"], ["n 10.0.0.11/24"]);
    assert_eq!(found["c"], ["n 10.0.0.12/24"]);
    assert_eq!(found["new"], ["n 10.0.0.13/24"]);
    // A fixed address wins over a lease.
    let fixed =
        format!("  new: {{template: t, networks: [{{name: n, address: 10.0.0.12}}]}}\n{}", of(&["c"]));
    let found = addresses(&desired(&read(&yaml(&fixed)).unwrap(), &before.leases(&first)));
    assert_eq!(found["new"], ["n 10.0.0.12/24"]);
    assert_eq!(found["c"], ["n 10.0.0.13/24"]);
    // In a full network even leases of machines that will be removed are used.
    let small = |names: &[&str]| read(&yaml(&of(names)).replace("/24", "/29")).unwrap();
    let before = desired(&small(&["a", "b", "c", "d", "e", "f"]), &Leases::default());
    assert_eq!(addresses(&before)["f"], ["n 10.0.0.1/29"]);
    let full = desired(&small(&["u", "v", "w", "x", "y", "z"]), &before.leases(&first));
    assert_eq!(addresses(&full).len(), 6);
}

#[test]
fn routers_in_a_row_lead_to_each_other() {
    let document = read(&with(
        "kind: tree\nmachines:\n  j: {template: t, role: jumpbox, networks: [uplink]}\n  r1: {template: t, role: local_jumpbox}\n  \
         r2: {template: t, role: local_jumpbox}\n  leaf: {template: t}\nlinks:\n  - {between: [r1, j], cidr: 10.0.0.0/30}\n  \
         - {between: [r2, r1], cidr: 10.0.0.4/30}\n  - {between: [leaf, r2], cidr: 10.0.0.8/30}",
    ))
    .unwrap();
    let desired = desired(&document, &Leases::default());
    let routes: Vec<(String, Vec<String>)> = desired
        .routers
        .iter()
        .map(|router| {
            (
                router.name.clone(),
                router.routes.iter().map(|route| format!("{} via {}", route.to, route.via)).collect(),
            )
        })
        .collect();
    let wanted = [
        ("j", vec!["10.0.0.4/30 via 10.0.0.2", "10.0.0.8/30 via 10.0.0.2"]),
        ("r1", vec!["10.0.0.8/30 via 10.0.0.6"]),
        ("r2", vec![]),
    ];
    let wanted = wanted
        .map(|(name, routes)| (name.to_owned(), routes.into_iter().map(str::to_owned).collect::<Vec<_>>()));
    assert_eq!(routes, wanted);
    let gateways: Vec<Option<String>> =
        desired.machines.iter().map(|machine| machine.gateway.map(|gateway| gateway.to_string())).collect();
    assert_eq!(
        gateways,
        [None, Some("10.0.0.1".to_owned()), Some("10.0.0.5".to_owned()), Some("10.0.0.9".to_owned())]
    );
    assert_eq!(desired.machines[3].upstream.as_deref(), Some("r2"));
}

#[test]
fn values_have_types_and_instances_have_their_own() {
    let document = read(&with(
        "instances: {count: 2, name: \"t{n}\"}\nvariables: {port: {type: integer}, key: {type: secret}, on: {type: boolean, default: true}}\n\
         machines: {m: {kind: namespace, role: jumpbox}}\ntasks: [{name: x, playbook: p, vars: {p: \"${port}\", k: \"key ${key}\", w: \"${instance}:${on}\"}}]",
    ))
    .unwrap();
    let expand = |values: serde_json::Value| {
        let values: Values = serde_json::from_value(values).unwrap();
        range::expand(&document, &values, &Leases::default(), &PlatformRules::default())
    };
    let desired =
        expand(json!({"all": {"key": "f"}, "instances": {"t1": {"port": 1}, "t2": {"port": 2}}})).unwrap();
    assert_eq!(json!(desired.tasks[1].vars), json!({"p": 2, "k": "key ${key}", "w": "t2:true"}));
    let faults =
        expand(json!({"all": {"key": 7, "prot": 1}, "instances": {"t3": {"port": 1}, "t1": {"port": "80"}}}))
            .unwrap_err();
    let found: Vec<(&str, FaultCode)> =
        faults.list().iter().map(|fault| (fault.path.as_str(), fault.code)).collect();
    assert_eq!(
        found,
        [
            ("values.all.prot", FaultCode::UnknownName),
            ("values.t3", FaultCode::UnknownName),
            ("values.t1.port", FaultCode::WrongType),
            ("values.t1.key", FaultCode::WrongType),
            ("values.all.port", FaultCode::Missing),
            ("values.all.key", FaultCode::WrongType),
        ]
    );
    assert_eq!(expand(json!({"all": {"key": "f"}})).unwrap_err().list()[0].code, FaultCode::Missing);
    let one_missing = expand(json!({"all": {"key": "f"}, "instances": {"t1": {"port": 1}}}));
    assert_eq!(one_missing.unwrap_err().list()[0].path, "values.all.port");
}
