//! The generated files: the JSON schema and the reference. `UPDATE_DOCS=1 cargo test -p range` writes them.

use std::{fs, path::Path};

use proptest::{prelude::*, test_runner::RngSeed};
use range::{
    Document, PlatformRules,
    document::text::{Format, parse},
    schema,
};
use serde_json::{Value, json};

use crate::random::documents;

/// Compares a file with what it has to be; writes it when `UPDATE_DOCS` is set.
fn lock(path: &str, wanted: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, wanted).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(found == wanted, "{path} is not what the types say: run `UPDATE_DOCS=1 cargo test -p range`");
}

#[test]
fn the_json_schema_is_that_of_the_types() {
    lock("range.schema.json", &format!("{:#}\n", schema::schema()));
}

#[test]
fn the_reference_is_that_of_the_types() {
    lock("../../docs/range-document.md", &schema::reference());
}

/// Asks an independent validator.
fn validates(schema: &Value, value: &Value) -> bool {
    let mut compiler = boon::Compiler::new();
    compiler.add_resource("range.json", schema.clone()).unwrap();
    let mut schemas = boon::Schemas::new();
    let index = compiler.compile("range.json", &mut schemas).unwrap();
    schemas.validate(value, index).is_ok()
}

#[test]
fn the_schema_accepts_and_refuses_what_the_reader_does() {
    let schema = schema::schema();
    let example = parse(schema::EXAMPLE, Format::Yaml).unwrap();
    assert!(validates(&schema, &example));
    for (pointer, value) in [
        ("/name", json!("-x")),
        ("/name", json!(7)),
        ("/nmae", json!("x")),
        ("/instances", json!(0)),
        ("/instances", json!(1001)),
        ("/instances", json!({"count": 2, "name": "x"})),
        ("/instances", json!({"count": 2, "more": 1})),
        ("/instances", json!("2")),
        ("/machines/web/cores", json!(0)),
        ("/machines/web/cores", json!(null)),
        ("/machines/web/cores", json!(2.0)),
        ("/machines/web/cores", json!(2.5)),
        ("/machines/web/memory_mb", json!("2GiB")),
        ("/machines/web/memory_mb", json!("lots")),
        ("/machines/web/networks", json!("dmz")),
        ("/machines/web/networks", json!(["dmz", {"name": "lan", "address": "10.0.0.1"}])),
        ("/machines/web/networks", json!([{"address": "10.0.0.1"}])),
        ("/machines/web/role", json!("king")),
        ("/machines/web/kind", json!("namespace")),
        ("/machines/web/needs", json!(["gw.ready", 1])),
        ("/machines/a b", json!({})),
        ("/machines/new", json!({})),
        ("/machines/new", json!([])),
        ("/links", json!([["a", "b"], {"between": ["a", "b"], "cidr": "10.0.0.0/30"}])),
        ("/links", json!([["a"]])),
        ("/links", json!([["a", "b", "c"]])),
        ("/rules", json!([{"from": "a", "to": "b"}])),
        ("/rules", json!([{"from": "a", "to": "b", "allow": ["tcp/x"]}])),
        ("/ready/web", json!("ssh")),
        ("/ready/web", json!("sleep")),
        ("/ready/web", json!({"tcp": 70_000})),
        ("/tasks", json!([{"playbook": "p"}])),
        ("/tasks", json!([{"name": "t", "on": ["all", "group x"], "vars": {"a": [1, {"b": null}]}}])),
        ("/tasks", json!([{"name": "t", "on": "groups x"}])),
        ("/tasks", json!([{"name": "t", "vars": {"a-b": 1}}])),
        ("/variables/domain/default", json!([1])),
        ("/variables/domain/type", json!("float")),
        ("/verify", json!("yes")),
        ("/ttl", json!("soon")),
        ("/ttl", json!(3600)),
        ("/on_failure", json!("keep")),
        ("/kind", json!("star")),
    ] {
        let mut document = example.clone();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        document.pointer_mut(parent).unwrap()[field] = value.clone();
        let reads = Document::from_value(&document);
        assert_eq!(validates(&schema, &document), reads.is_ok(), "{pointer} = {value}: {reads:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, rng_seed: RngSeed::Fixed(3), failure_persistence: None, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn the_schema_accepts_every_written_document(document in documents(PlatformRules::default())) {
        prop_assert!(validates(&schema::schema(), &serde_json::to_value(&document).unwrap()));
    }
}

#[test]
fn the_reference_names_every_field_and_every_code() {
    let text = schema::reference();
    for (name, structure) in schema::schema()["$defs"].as_object().unwrap() {
        for field in structure["properties"].as_object().unwrap().keys() {
            assert!(text.contains(&format!("| `{field}` |")), "{name}.{field}");
        }
    }
    assert!(range::FaultCode::ALL.iter().all(|code| text.contains(&format!("| `{code}` |"))));
}
