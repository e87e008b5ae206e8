//! Mappings by name.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::names::Name;
use crate::{
    fault::{At, FaultCode, Faults},
    read::{Book, Read, wrong_type},
};

/// A mapping by name, in the order of the document.
pub type Named<T> = IndexMap<Name, T>;

impl<T: Read> Read for Named<T> {
    fn read(value: &Value, at: &At<'_>, faults: &mut Faults) -> Option<Self> {
        let Value::Object(entries) = value else {
            return wrong_type(value, "a mapping by name", at, faults);
        };
        let mut read = Self::with_capacity(entries.len());
        let empty = Value::Object(Map::new());
        for (key, value) in entries {
            let at = at.field(key);
            let name = Name::parse(key).unwrap_or_else(|bad| {
                faults.add(&at, FaultCode::Invalid, bad.to_string());
                // Kept as it is, so that what refers to it has no fault of its own.
                Name::unchecked(key)
            });
            // After a fault that leaves nothing, the name stays known with the defaults of its type.
            let value = T::read(value, &at, faults).or_else(|| T::read(&empty, &at, &mut Faults::default()));
            read.extend(value.map(|value| (name, value)));
        }
        Some(read)
    }

    fn schema(book: &mut Book) -> Value {
        json!({
            "type": "object",
            "propertyNames": { "pattern": Name::PATTERN },
            "additionalProperties": T::schema(book),
        })
    }
}
