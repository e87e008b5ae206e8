//! Ranges through the public functions of the crate: documents in, faults, plans and matrices out.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue should say where")]
#![allow(
    clippy::disallowed_methods,
    reason = "tests read fixtures and start networkx; the crate itself does neither"
)]

mod actions;
mod checks;
mod convergence;
mod document;
mod estimates;
mod expand;
mod generated;
mod ldo;
mod networkx;
mod plan;
mod probes;
mod random;
mod reachability;
mod size;

use range::{
    Desired, Document, FaultCode, Faults, Leases, PlatformRules, Values,
    document::text::{Format, parse},
};
use serde_json::json;

/// A document from YAML, checked on a platform with the usual rules.
fn read(yaml: &str) -> Result<Document, Faults> {
    range::read_text(yaml, Format::Yaml, &PlatformRules::default())
}

/// The paths and codes of the faults of a document.
fn faults(yaml: &str) -> Vec<(String, FaultCode)> {
    faults_on(yaml, &PlatformRules::default())
}

fn faults_on(yaml: &str, rules: &PlatformRules) -> Vec<(String, FaultCode)> {
    match range::read_text(yaml, Format::Yaml, rules) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.list().iter().map(|fault| (fault.path.clone(), fault.code)).collect(),
    }
}

/// A document of this name and platform with more YAML.
fn with(more: &str) -> String {
    format!("name: r\nplatform: simulated\n{more}")
}

fn desired(document: &Document, leases: &Leases) -> Desired {
    let values =
        Values { all: json!({ "admin_password": "f1" }).as_object().unwrap().clone(), ..Values::default() };
    let mut values = values;
    values.all.retain(|name, _| document.variables.contains_key(name.as_str()));
    range::expand(document, &values, leases, &PlatformRules::default()).unwrap()
}

/// The example of the reference.
fn example() -> Document {
    read(range::schema::EXAMPLE).unwrap_or_else(|faults| panic!("{faults}"))
}

#[test]
fn the_example_of_the_reference_is_a_valid_document() {
    let document = example();
    assert_eq!(document.instances.name_of(7).as_deref(), Some("team07"));
    assert_eq!(document.machines["web"].memory_mb.unwrap().0, 2048);
    // What is written reads back as the same.
    let value = serde_json::to_value(&document).unwrap();
    assert_eq!(Document::from_value(&value).unwrap(), document);
    assert_eq!(parse(&value.to_string(), Format::Json).unwrap(), value);
    assert_eq!(parse(&value.to_string(), Format::Yaml).unwrap(), value, "JSON is YAML");
}
