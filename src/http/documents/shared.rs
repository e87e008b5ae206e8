//! Takes out of the bodies of v0 what they share: a field that several routes have alike stands in the document once.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// How many routes must have a field alike for it to stand alone.
const ENOUGH: usize = 3;

/// Replaces such fields by references; gives their schemas by name.
pub(super) fn take_out<'a>(operations: impl Iterator<Item = &'a mut Value>) -> Map<String, Value> {
    let mut bodies: Vec<_> = operations.filter_map(properties).collect();
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for properties in &bodies {
        for (name, field) in properties.iter() {
            *counts.entry((name.clone(), field.to_string())).or_default() += 1;
        }
    }
    // Of several forms of a field the most common one.
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
