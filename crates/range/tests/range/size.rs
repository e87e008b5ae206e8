//! Large documents: thousands of machines, ten megabytes.

use std::fmt::Write as _;

use range::{
    Leases, PlatformRules, Recorded, Values, apply_to,
    document::text::{Format, MAX_BYTES},
    plan::{Estimates, Inputs, plan},
};

/// A tree of so many machines, each linked with one of those before it.
fn tree(machines: usize) -> String {
    let mut text = "name: large\nplatform: simulated\nkind: tree\nmachines:\n  m0: {kind: namespace, role: jumpbox, networks: [uplink]}\n".to_owned();
    for machine in 1..machines {
        let role = if machine % 3 == 0 { "service" } else { "router" };
        writeln!(text, "  m{machine}: {{kind: namespace, role: {role}, groups: [g{}]}}", machine % 7)
            .unwrap();
    }
    text.push_str("links:\n");
    (1..machines).for_each(|machine| {
        writeln!(text, "  - [m{}, m{machine}]", (machine.wrapping_mul(2_654_435_761) >> 7) % machine).unwrap()
    });
    text
}

#[test]
fn five_thousand_machines_are_planned_and_planned_again() {
    let rules = PlatformRules::default();
    let document =
        range::read_text(&tree(5_000), Format::Yaml, &rules).unwrap_or_else(|faults| panic!("{faults}"));
    let inputs = Inputs { rules: &rules, estimates: &Estimates::default(), prices: None };
    let desired = range::expand(&document, &Values::default(), &Leases::default(), &rules).unwrap();
    let first = plan(&desired, &Recorded::default(), &inputs);
    assert_eq!(first.after.machines, 5_000);
    assert_eq!(first.after.networks, 4_999);
    assert!(first.steps.len() > 20_000);
    let recorded = apply_to(Recorded::default(), &first);
    assert!(plan(&desired, &recorded, &inputs).is_empty());
}

#[test]
fn a_document_of_ten_megabytes_is_read_or_refused_with_its_faults() {
    let padding = "x".repeat(1_900);
    let mut text = "name: large\nplatform: simulated\nmachines:\n".to_owned();
    let mut machine = 0;
    while text.len() + padding.len() + 100 < MAX_BYTES {
        writeln!(text, "  m{machine}: {{kind: namespace, description: {padding}}}").unwrap();
        machine += 1;
    }
    assert!(text.len() > MAX_BYTES - 4_000);
    let document = range::read_text(&text, Format::Yaml, &PlatformRules::default())
        .unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(document.machines.len(), machine);
    text = text.replace("kind: namespace", "knid: namespace");
    let faults = range::read_text(&text, Format::Yaml, &PlatformRules::default()).unwrap_err();
    assert_eq!(faults.list().len(), 1_000);
    assert_eq!(faults.list()[0].hint.as_deref(), Some("did you mean `kind`?"));
    let faults = range::read_text(&text.repeat(2), Format::Yaml, &PlatformRules::default()).unwrap_err();
    assert_eq!(faults.list()[0].code, range::FaultCode::TooLarge);
}
