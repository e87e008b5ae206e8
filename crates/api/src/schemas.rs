//! Collects the JSON Schemas of types for the OpenAPI document.

use schemars::{
    JsonSchema, Schema, SchemaGenerator,
    generate::SchemaSettings,
    transform::{Transform, transform_subschemas},
};
use serde_json::{Map, Value};

/// The schemas that a document refers to, by name.
#[derive(Debug)]
pub struct Schemas(SchemaGenerator);

impl Default for Schemas {
    fn default() -> Self {
        let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
        });
        Self(settings.with_transform(Tidy).into_generator())
    }
}

impl Schemas {
    /// A reference to the schema of a type, or the schema itself if it has no name.
    pub fn of<T: JsonSchema>(&mut self) -> Value {
        let mut schema = self.0.subschema_for::<T>();
        Tidy.transform(&mut schema);
        schema.to_value()
    }

    /// The schemas of all types so far, sorted by name.
    #[must_use]
    pub fn into_definitions(mut self) -> Map<String, Value> {
        let mut definitions = self.0.take_definitions(true);
        definitions.sort_keys();
        definitions
    }
}

/// Adds to schemas what holds for the whole interface, in the simplest form.
#[derive(Debug, Clone)]
struct Tidy;

impl Transform for Tidy {
    fn transform(&mut self, schema: &mut Schema) {
        join_lines(schema);
        drop_integer_format(schema);
        what_may_be_absent_is_not_null(schema);
        transform_subschemas(self, schema);
        any_item_is_an_object(schema);
    }
}

/// Lines of a comment are one text.
fn join_lines(schema: &mut Schema) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
}

/// Formats with the names of Rust's integer types add nothing to the limits.
fn drop_integer_format(schema: &mut Schema) {
    let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
    if format.starts_with("uint") || format.starts_with("int") || matches!(format, "float" | "double") {
        schema.remove("format");
    }
}

/// `true` as the schema of items is correct, and a surprise for many readers of OpenAPI.
fn any_item_is_an_object(schema: &mut Schema) {
    if schema.get("items") == Some(&Value::Bool(true)) {
        schema.insert("items".to_owned(), Value::Object(Map::new()));
    }
}

/// A field either always exists, possibly as `null`, or is omitted if it has no value.
fn what_may_be_absent_is_not_null(schema: &mut Schema) {
    let required: Vec<String> = match schema.get("required") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    for (_, property) in properties.iter_mut().filter(|(name, _)| !required.contains(name)) {
        if let Value::Object(property) = property {
            forbid_null(property);
        }
    }
}

fn forbid_null(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|one| one != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    let Some(Value::Array(mut choices)) = schema.shift_remove("anyOf") else { return };
    choices.retain(|choice| choice["type"] != "null");
    match choices.as_slice() {
        [Value::Object(only)] => schema.extend(only.clone()),
        _ => drop(schema.insert("anyOf".to_owned(), choices.into())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{NewJob, Readiness, Reason, Stats};

    #[test]
    fn what_is_always_there_may_be_null_and_what_may_be_absent_may_not() {
        let mut schemas = Schemas::default();
        assert_eq!(schemas.of::<Reason>(), json!({ "$ref": "#/components/schemas/Reason" }));
        schemas.of::<Readiness>();
        schemas.of::<NewJob>();
        let definitions = schemas.into_definitions();
        let phase = json!([{ "$ref": "#/components/schemas/Phase" }, { "type": "null" }]);
        assert_eq!(definitions["Reason"]["properties"]["phase"]["anyOf"], phase);
        assert_eq!(definitions["Readiness"]["properties"]["checks"]["type"], "array");
        let new_job = &definitions["NewJob"]["properties"];
        assert_eq!(new_job["retry"]["$ref"], "#/components/schemas/RetryPolicy");
        assert_eq!(new_job["forks"]["type"], "integer");
        assert_eq!(definitions["NewJob"]["additionalProperties"], false);
    }

    #[test]
    fn types_without_fields_are_named_too() {
        assert_eq!(Schemas::default().of::<Stats>(), json!({ "$ref": "#/components/schemas/Stats" }));
    }
}
