//! The schemas of the OpenAPI document, made stricter: a field that they do not name is an error.

use serde_json::{Value, json};

/// Checks replies against the document.
pub(super) struct Document {
    openapi: Value,
    definitions: Value,
}

impl Document {
    pub(super) fn new() -> Self {
        let openapi: Value =
            serde_json::from_str(&rangehand::http::documents::openapi()).expect("a JSON document");
        let mut definitions = openapi["components"]["schemas"].clone();
        close(&mut definitions);
        Self { openapi, definitions }
    }

    /// The parameters of an operation in one place, by their names.
    pub(super) fn parameters(&self, method: &str, path: &str, place: &str) -> Vec<String> {
        let parameters = self.operation(method, path)["parameters"].as_array().cloned().unwrap_or_default();
        let of_place = parameters.iter().filter(|parameter| parameter["in"] == place);
        of_place.map(|parameter| parameter["name"].as_str().expect("a name").to_owned()).collect()
    }

    /// The names of a schema's members.
    pub(super) fn members(&self, schema: &str) -> Vec<String> {
        let properties = self.definitions[schema]["properties"].as_object().expect("an object");
        properties.keys().cloned().collect()
    }

    /// Every operation under a path that begins like this: method and path.
    pub(super) fn operations(&self, begin: &str) -> Vec<(String, String)> {
        let paths = self.openapi["paths"].as_object().expect("paths").iter();
        paths
            .filter(|(path, _)| path.starts_with(begin))
            .flat_map(|(path, methods)| {
                let methods = methods.as_object().expect("methods").keys();
                methods.map(move |method| (method.to_uppercase(), path.clone()))
            })
            .collect()
    }

    /// Is this what an operation may answer?
    pub(super) fn check(&self, (method, path): (&str, &str), status: u16, media: &str, reply: &Value) {
        let what = format!("{method} {path}: {status}");
        let mut response = &self.operation(method, path)["responses"][status.to_string()];
        assert!(response.is_object(), "{what} is not documented: {reply:#}");
        if let Some(target) = response["$ref"].as_str() {
            response = self.openapi.pointer(&target[1..]).expect("a target");
        }
        let media = media.split(';').next().expect("a media type");
        let schema = &response["content"][media]["schema"];
        assert!(schema.is_object(), "{what}: `{media}` is not documented");
        let mut root = json!({ "$schema": "https://json-schema.org/draft/2020-12/schema" });
        root["$defs"] = self.definitions.clone();
        root["allOf"] = json!([schema]);
        let text = root.to_string().replace("#/components/schemas/", "#/$defs/");
        let mut compiler = boon::Compiler::new();
        compiler.enable_format_assertions();
        let url = "http://localhost/schema.json";
        compiler.add_resource(url, serde_json::from_str(&text).expect("JSON")).expect("a resource");
        let mut known = boon::Schemas::new();
        let schema = compiler.compile(url, &mut known).unwrap_or_else(|error| panic!("{what}: {error:#}"));
        if let (Some(code), "application/problem+json") = (reply["code"].as_str(), media) {
            let about = self.operation(method, path)["responses"][status.to_string()]["description"].as_str();
            let is_named = about.is_some_and(|about| about.contains(&format!("`{code}`")));
            assert!(is_named, "{what}: `{code}` is not documented: {about:?}");
        }
        known.validate(reply, schema).unwrap_or_else(|error| panic!("{what}: {error:#}\n{reply:#}"));
    }

    fn operation(&self, method: &str, path: &str) -> &Value {
        &self.openapi["paths"][path][method.to_lowercase()]
    }
}

/// What is not named may not be there.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.contains_key("properties") && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".into(), false.into());
            }
            members.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}
