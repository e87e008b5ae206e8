//! Property tests of v0 bodies, for every route: each body is planned or rejected with an error of FastAPI.
//!
//! `PROPTEST_CASES` sets the number of bodies; `./torture.sh fuzz` uses many.

use actix_web::{ResponseError, http::StatusCode};
use proptest::{prelude::*, sample::select};
use serde_json::{Map, Value, json};

use super::{
    ErrorReply, check,
    field::{Field, Kind},
    plan::{PlanContext, plan},
    route::Route,
    rows,
};
use crate::http::body::Body;

/// A unique string, so that every occurrence of it can be found.
const CANARY: &str = "c4n4ry-5ecret";

fn awkward() -> impl Strategy<Value = Value> {
    let texts = [
        "",
        "a",
        "pve01",
        "1000",
        "-1",
        "-v",
        "@file",
        "a,b",
        "true",
        "YES",
        "../x",
        "{{ x }}",
        "a\nb",
        "1e999",
        "0x10",
        "\0",
        "é",
        "local:iso/x.iso",
        "10.0.0.1/24",
        "²",
        "９",
    ];
    let numbers = [
        json!(0),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(true),
        json!(null),
    ];
    let leaf = prop_oneof![
        4 => select(texts.to_vec()).prop_map(Value::from),
        2 => select(numbers.to_vec()),
        1 => any::<String>().prop_map(Value::from),
        1 => "[a-zA-Z0-9_./:-]{0,300}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z_]{1,8}|vm_id|vm_name|", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A route, and for each of its fields its documented example, another value, or none.
fn call() -> impl Strategy<Value = (&'static Route, Value)> {
    let routes: Vec<&Route> = rows::all().filter(|route| !route.fields.is_empty()).collect();
    select(routes).prop_flat_map(|route| {
        let values: Vec<_> = route.fields.iter().map(member).collect();
        (Just(route), values, prop::option::weighted(0.2, ("[a-z_]{1,10}", awkward()))).prop_map(
            |(route, values, unknown)| {
                let members = route
                    .fields
                    .iter()
                    .zip(values)
                    .filter_map(|(field, value)| Some((field.name.to_owned(), value?)));
                (route, Value::Object(members.chain(unknown).collect()))
            },
        )
    })
}

fn member(field: &Field) -> BoxedStrategy<Option<Value>> {
    let example: Value = serde_json::from_str(field.example).unwrap_or(Value::Null);
    let secret = if field.secret { json!(format!("{CANARY} \n")) } else { example.clone() };
    let wrong = match field.kind {
        Kind::List(_) => prop::collection::vec(prop_oneof![Just(example.clone()), awkward()], 0..4)
            .prop_map(Value::from)
            .boxed(),
        _ => awkward().boxed(),
    };
    prop_oneof![6 => Just(Some(example)), 3 => wrong.prop_map(Some), 1 => Just(Some(secret)), 1 => Just(None)]
        .boxed()
}

/// Checks that the error has the format of FastAPI: a string, or a list of faults with their locations.
fn assert_refusal(refusal: ErrorReply) -> Result<(), TestCaseError> {
    let status = refusal.status_code();
    prop_assert!(
        status == StatusCode::BAD_REQUEST || status == StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        status
    );
    let detail = refusal.into_detail();
    let is_reported = match &detail {
        Value::Array(faults) => !faults.is_empty() && faults.iter().all(|fault| fault["field"].is_string()),
        Value::String(text) => !text.is_empty(),
        _ => false,
    };
    prop_assert!(is_reported, "{}", detail);
    prop_assert!(!detail.to_string().contains(CANARY), "{}", detail);
    Ok(())
}

fn answered(route: &Route, body: Value, name: Option<&str>) -> Result<(), TestCaseError> {
    let values: Map<String, Value> = match check::check(Body(Ok(Some(body))), route.fields) {
        Ok(values) => values,
        Err(refusal) => return assert_refusal(refusal),
    };
    prop_assert!(values.keys().all(|name| route.fields.iter().any(|field| field.name == name)));
    let inventory: model::Inventories = "hosts".parse().map_err(|_| TestCaseError::fail("a name"))?;
    match plan(
        route,
        &values,
        &PlanContext {
            inventory: &inventory,
            default_node: Some("pve01"),
            name,
            host: None,
            limits_actions: false,
        },
    ) {
        Ok(request) => {
            let work = request.work.as_playbook().expect("a playbook");
            let limit = work.limit.as_ref().map_or("", |limit| limit.as_str());
            prop_assert!(!limit.starts_with(['-', '@']), "{}", limit);
            prop_assert!(!work.extra_vars.as_map().keys().any(|name| name.starts_with("ansible_")));
            Ok(())
        }
        Err(refusal) => assert_refusal(refusal),
    }
}

proptest! {
    #[test]
    fn every_body_of_every_route_is_planned_or_refused((route, body) in call(), name in "[a-z/.\\-]{0,12}|ping") {
        answered(route, body, Some(&name))?;
    }

    #[test]
    fn what_is_no_object_is_refused(body in awkward()) {
        // Proptest fails when it has to reject too many inputs.
        let body = if body.is_object() { json!([body]) } else { body };
        for route in rows::all().filter(|route| !route.fields.is_empty()).take(3) {
            answered(route, body.clone(), None)?;
        }
    }
}
