//! JSON with object keys in alphabetical order, so that equal values have equal text.

use std::collections::BTreeMap;

use serde_json::Value;

pub(crate) fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<&String, Value> =
                members.iter().map(|(key, member)| (key, canonical(member))).collect();
            sorted.into_iter().map(|(key, member)| (key.clone(), member)).collect()
        }
        Value::Array(items) => items.iter().map(canonical).collect(),
        other => other.clone(),
    }
}
