//! Invariants of the table of routes.

use std::{collections::BTreeSet, path::Path};

use serde_json::{Map, Value, json};

use super::all;
use crate::http::{
    body::Body,
    v0::{
        check::check,
        field::{Field, Kind},
        field_schema::example,
        plan::{PlanContext, plan},
        route::{Lookup, Plan, Route},
    },
};

#[test]
fn no_two_routes_have_one_path_or_one_name() {
    let mut paths = BTreeSet::new();
    let mut names = BTreeSet::new();
    for route in all() {
        assert!(names.insert(route.operation), "{} twice", route.operation);
        for spelling in route.spellings() {
            assert!(paths.insert(spelling), "{spelling:?} twice");
        }
    }
    // The routes of the reference service, and five for containers.
    assert_eq!(names.len(), 85);
}

#[test]
fn every_pattern_in_use_compiles() {
    each_field(&mut |_, field| {
        if let Kind::Text(pattern) | Kind::FullText(pattern) | Kind::Host(pattern) = field.kind {
            assert!(pattern.regex.as_str() == pattern.text, "{}", field.name);
        }
    });
}

#[test]
fn every_example_is_allowed() {
    each_field(&mut |route, field| {
        let example: Value = serde_json::from_str(field.example)
            .unwrap_or_else(|error| panic!("{}: {}: {error}", route.operation, field.name));
        let body = json!({ field.name: example });
        let checked = check(Body(Ok(Some(body))), std::slice::from_ref(field));
        assert!(checked.is_ok(), "{}: {}: {:?}", route.operation, field.name, checked.err());
    });
}

#[test]
fn every_row_makes_a_request_from_its_examples() {
    let inventory = "hosts".parse().expect("a name");
    for route in all() {
        let values = match check(Body(Ok(Some(example(route)))), route.fields) {
            Ok(values) => values,
            Err(_) if route.fields.is_empty() => Map::new(),
            Err(refusal) => panic!("{}: {refusal}", route.operation),
        };
        for name in route.locks {
            assert!(route.fields.iter().any(|field| field.name == *name), "{}: no {name}", route.operation);
        }
        let known = PlanContext {
            inventory: &inventory,
            default_node: None,
            name: Some("ping"),
            host: None,
            limits_actions: false,
        };
        let request = plan(route, &values, &known);
        assert!(request.is_ok(), "{}: {:?}", route.operation, request.err());
    }
}

#[test]
fn every_action_is_one_of_the_role() {
    let role = Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks/roles/proxmox_controller/tasks");
    let mut missing = BTreeSet::new();
    for action in actions() {
        let files = [role.join(format!("{action}.yml")), role.join("actions").join(format!("{action}.yml"))];
        if !files.iter().any(|file| file.is_file()) {
            missing.insert(action);
        }
    }
    assert!(missing.is_empty(), "the role has no {missing:?}");
}

/// Every action that a route runs, including lookups.
fn actions() -> BTreeSet<&'static str> {
    let of = |route: &'static Route| match &route.plan {
        Plan::Action { action, lookup } => match lookup {
            Lookup::No => vec![*action],
            Lookup::Exists | Lookup::Name => vec![*action, "vm_list"],
            Lookup::Container => vec![*action, "lxc_list"],
        },
        Plan::Find { .. } => vec!["vm_list"],
        Plan::Ping | Plan::Named(_) | Plan::Bundle { .. } | Plan::CreateMachines { .. } => Vec::new(),
    };
    all().flat_map(of).collect()
}

/// Calls `visit` for every field of every row, including nested fields.
fn each_field(visit: &mut dyn FnMut(&Route, &Field)) {
    fn within(route: &Route, fields: &[Field], visit: &mut dyn FnMut(&Route, &Field)) {
        for field in fields {
            visit(route, field);
            match field.kind {
                Kind::List(Kind::Object(inner)) => within(route, inner, visit),
                Kind::Object(inner) | Kind::Map(inner) => within(route, inner, visit),
                _ => {}
            }
        }
    }
    for route in all() {
        within(route, route.fields, visit);
    }
}
