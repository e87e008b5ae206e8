//! The JSON schema of the document, and its reference as Markdown: both from the declarations of the types.

use serde_json::{Value, json};

use crate::{
    document::{Address, Allow, Cidr, Document, Name, Need, Pattern, Span, Target},
    fault::FaultCode,
    read::{Book, Read as _},
};

/// The JSON schema (2020-12) of a range document.
///
/// It describes the form. What the checks add, such as names that exist, cannot be said in it.
#[must_use]
pub fn schema() -> Value {
    let book = book();
    let root = book.structures.get("Document").cloned().unwrap_or_default();
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Range document",
    });
    if let (Value::Object(schema), Value::Object(root)) = (&mut schema, root) {
        schema.extend(root);
        let others = book.structures.into_iter().filter(|(name, _)| *name != "Document");
        let structures = others.map(|(name, structure)| (name.to_owned(), structure)).collect();
        schema.insert("$defs".to_owned(), Value::Object(structures));
    }
    schema
}

fn book() -> Book {
    let mut book = Book::default();
    Document::schema(&mut book);
    book
}

const HEAD: &str = "<!-- Generated from crates/range/src/document: UPDATE_DOCS=1 cargo test -p range -->

# Range document

This page describes the format of a range document: the networks, machines and tasks of a range, as YAML or JSON. It describes
the format only.

A document is strict: unknown fields and repeated keys are rejected. All faults of a document are reported at once, each with
its path, a code, a message, and where possible a hint. A document has at most 10 MiB, 32 levels and 1,000,000 values.

```yaml
";

/// The document of the reference, which a test reads.
pub const EXAMPLE: &str = include_str!("example.yml");

/// `docs/range-document.md`.
#[must_use]
pub fn reference() -> String {
    let mut text = format!("{HEAD}{EXAMPLE}```\n");
    let book = book();
    for (name, structure) in &book.structures {
        let of = |key: &str| structure[key].as_str().unwrap_or_default();
        text.push_str(&format!(
            "\n## {}\n\n{}\n\n| field | type | default | meaning |\n| --- | --- | --- | --- |\n",
            heading(name),
            of("description")
        ));
        let required: Vec<&str> =
            structure["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (field, schema) in structure["properties"].as_object().into_iter().flatten() {
            let default = match schema.get("default") {
                Some(default) => format!("`{default}`"),
                None if required.contains(&field.as_str()) => "required".to_owned(),
                None => String::new(),
            };
            let meaning = schema["description"].as_str().unwrap_or_default();
            let words = schema
                .get("$comment")
                .and_then(Value::as_str)
                .map_or(String::new(), |words| format!(" {words}"));
            let row = format!("| `{field}` | {} | {default} | {meaning}{words} |\n", form(schema));
            text.push_str(&row);
        }
    }
    text.push_str("\n## Text forms\n\n| form | rule |\n| --- | --- |\n");
    for (what, form) in [
        (Name::WHAT, Name::FORM),
        (Need::WHAT, Need::FORM),
        (Target::WHAT, Target::FORM),
        (Pattern::WHAT, Pattern::FORM),
        (Span::WHAT, Span::FORM),
        (Cidr::WHAT, Cidr::FORM),
        (Address::WHAT, Address::FORM),
        (Allow::WHAT, Allow::FORM),
    ] {
        text.push_str(&format!("| {what} | {form} |\n"));
    }
    text.push_str("\n## Codes of faults\n\n| code | meaning |\n| --- | --- |\n");
    for (code, meaning) in FaultCode::ALL.iter().zip(FaultCode::MEANINGS) {
        text.push_str(&format!("| `{code}` |{meaning} |\n"));
    }
    text
}

fn heading(name: &str) -> String {
    match name {
        "Document" => "The document".to_owned(),
        "NamedInstances" => "Instances".to_owned(),
        "NicFields" => "Network interface".to_owned(),
        "ReadyFields" => "Readiness".to_owned(),
        "LinkFields" => "Link".to_owned(),
        other => other.to_owned(),
    }
}

/// The form of a value in a few words.
fn form(schema: &Value) -> String {
    let text = |key: &str| schema[key].as_str();
    if let Some(name) = text("$ref").and_then(|name| name.rsplit('/').next()) {
        let title = heading(name);
        return format!("[{title}](#{})", title.to_lowercase().replace(' ', "-"));
    }
    if let Some(forms) = schema["anyOf"].as_array() {
        return forms.iter().map(form).collect::<Vec<_>>().join(" or ");
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<String> =
            words.iter().filter_map(Value::as_str).map(|word| format!("`{word}`")).collect();
        return words.join(", ");
    }
    match text("type") {
        Some("array") if schema["maxItems"] == 2 => "two names".to_owned(),
        Some("array") => format!("list of {}", form(&schema["items"])),
        Some("object") if schema["additionalProperties"].is_object() => {
            format!("mapping by name, each {}", form(&schema["additionalProperties"]))
        }
        Some("object") => "mapping".to_owned(),
        Some("string") if text("title").is_some() => {
            format!("[{}](#text-forms)", text("title").unwrap_or_default())
        }
        Some("string") if schema["pattern"].is_string() => "size".to_owned(),
        Some("integer") => format!("{} to {}", schema["minimum"], schema["maximum"]),
        Some(other) => other.to_owned(),
        None => "string, integer or boolean".to_owned(),
    }
}
