//! Bodies against fields, with the words of pydantic.

use super::*;
use crate::http::v0::field::{HOSTS, NAME, PASSWORD};

const INNER: &[Field] = &[Field::new("id", Kind::VmId, "1", "an id")];
const FIELDS: &[Field] = &[
    Field::new("node", Kind::Text(&NAME), "1", "a node"),
    Field::new("as_json", Kind::Bool, "1", "a flag").or_bool(true).nullable(),
    Field::new("hosts", Kind::Host(&HOSTS), "1", "hosts").nullable(),
    Field::new("cores", Kind::Int(Some(1)), "1", "cores").optional(),
    Field::new("rate", Kind::Number, "1", "a rate").optional(),
    Field::new("password", Kind::Text(&PASSWORD), "1", "a password").optional().secret(),
    Field::new("ids", Kind::List(&Kind::AnyVmId), "1", "ids").optional(),
    Field::new("vms", Kind::Map(INNER), "1", "machines").optional(),
];

fn values(more: Value) -> Result<Map<String, Value>, Value> {
    let mut body = json!({ "node": "", "hosts": "a" });
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    check(Body(Ok(Some(body))), FIELDS).map_err(ErrorReply::into_detail)
}

#[test]
fn booleans_have_many_words_and_texts_have_none() {
    for word in [json!(true), json!(1), json!("YES"), json!("t"), json!(1.0)] {
        assert_eq!(values(json!({ "as_json": word })).expect("a boolean")["as_json"], json!(true));
    }
    assert!(values(json!({ "node": 7 })).is_err());
    for (given, kind) in [(json!(2), "bool_parsing"), (json!(2.5), "bool_type"), (json!(1e20), "bool_type")] {
        assert_eq!(values(json!({ "as_json": given })).expect_err("no boolean")[0]["type"], kind);
    }
}

#[test]
fn required_may_still_be_null_and_patterns_cover_the_whole_text() {
    let found = values(json!({ "hosts": null, "more": 1 })).expect("allowed");
    assert!(!found.contains_key("hosts") && !found.contains_key("more"));
    for hosts in ["a b", "a\n", "-v", "", "a:b"] {
        assert!(values(json!({ "hosts": hosts })).is_err(), "{hosts:?}");
    }
    assert!(values(json!({ "node": null })).is_err());
    assert!(values(json!({ "as_json": null })).is_ok_and(|found| !found.contains_key("as_json")));
    assert_eq!(values(json!({})).expect("allowed")["as_json"], json!(true));
}

#[test]
fn integers_have_many_spellings() {
    for (given, number) in [
        (json!(2), 2),
        (json!("2"), 2),
        (json!(2.0), 2),
        (json!(" 2048 "), 2048),
        (json!(true), 1),
        (json!("+7"), 7),
        (json!("1_000"), 1000),
        (json!("3.0"), 3),
    ] {
        assert_eq!(values(json!({ "cores": given })).expect("an integer")["cores"], json!(number), "{given}");
    }
    for (given, kind) in [
        (json!(2.5), "int_from_float"),
        (json!("two"), "int_parsing"),
        (json!("2.5"), "int_parsing"),
        (json!("1__0"), "int_parsing"),
        (json!(""), "int_parsing"),
        (json!(0), "greater_than_equal"),
        (json!(null), "int_type"),
        (json!([1]), "int_type"),
        (json!("99999999999999999999"), "int_parsing_size"),
    ] {
        assert_eq!(values(json!({ "cores": given })).expect_err("no integer")[0]["type"], kind, "{given}");
    }
}

#[test]
fn numbers_are_floats() {
    assert_eq!(values(json!({ "rate": 5 })).expect("a number")["rate"].to_string(), "5.0");
    assert_eq!(values(json!({ "rate": "1.5" })).expect("a number")["rate"], json!(1.5));
    assert!(values(json!({ "rate": "inf" })).is_err());
}

#[test]
fn ids_are_texts_or_integers_and_lists_name_the_item() {
    let found = values(json!({ "ids": [4000, "4001", "{{ x }}"], "vms": { "a": { "id": 7 } } }));
    let found = found.expect("allowed");
    assert_eq!(found["ids"], json!(["4000", "4001", "{{ x }}"]));
    assert_eq!(found["vms"], json!({ "a": { "id": "7" } }));
    let faults = values(json!({ "ids": ["1", true], "vms": { "a": { "id": "x" }, "b": 1 } }));
    let faults = faults.expect_err("refused");
    let fields: Vec<_> =
        faults.as_array().expect("faults").iter().map(|fault| fault["field"].clone()).collect();
    assert_eq!(fields, ["body.ids.1", "body.vms.a.id", "body.vms.b"]);
    assert_eq!(values(json!({ "ids": [] })).expect_err("refused")[0]["type"], "too_short");
}

#[test]
fn passwords_are_not_sent_back() {
    let faults = values(json!({ "password": "a b" })).expect_err("refused");
    assert_eq!(faults[0]["input"], MASK);
    let faults = values(json!({ "hosts": { "password": "geheim" } })).expect_err("refused");
    assert!(!faults.to_string().contains("geheim"));
    let body = json!({ "password": "geheim", "more": { "api_token": "geheim" } });
    let faults = check(Body(Ok(Some(body))), FIELDS).map_err(ErrorReply::into_detail).expect_err("refused");
    assert!(!faults.to_string().contains("geheim") && faults.to_string().contains(MASK));
}
