//! Extracts the shared fields of v0 bodies: a field that several routes define identically appears in the document
//! once.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Minimum number of routes with an identical field for it to be extracted.
const ENOUGH: usize = 3;

/// Replaces shared fields by references; returns their schemas by name.
pub(super) fn take_out<'a>(operations: impl Iterator<Item = &'a mut Value>) -> Map<String, Value> {
    let mut bodies: Vec<_> = operations.filter_map(properties).collect();
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for properties in &bodies {
        for (name, field) in properties.iter() {
            *counts.entry((name.clone(), field.to_string())).or_default() += 1;
        }
    }
    // If a field has several forms, extract the most common one.
    let mut best: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    for ((name, form), &count) in counts.iter().filter(|(_, count)| **count >= ENOUGH) {
        let known = best.entry(name).or_insert((form, 0));
        if count > known.1 {
            *known = (form, count);
        }
    }
    let mut taken = Map::new();
    for properties in &mut bodies {
        for (name, field) in properties.iter_mut() {
            let found = field.to_string();
            if best.get(name.as_str()).is_some_and(|(form, _)| *form == found) {
                let shared = format!("Field_{name}");
                let reference = json!({ "$ref": format!("#/components/schemas/{shared}") });
                taken.insert(shared, std::mem::replace(field, reference));
            }
        }
    }
    taken.sort_keys();
    taken
}

fn properties(operation: &mut Value) -> Option<&mut Map<String, Value>> {
    operation.pointer_mut("/requestBody/content/application~1json/schema/properties")?.as_object_mut()
}
