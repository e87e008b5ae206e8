//! From JSON values to types, recording every fault on the way, and from types to JSON schema.
//!
//! serde's derived readers stop at the first fault. Here each type reads itself from a value, records what is wrong and
//! continues; [`object!`] declares a structure once, and its reader, its writer, its schema and its chapter in the
//! reference follow from that.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::fault::{At, FaultCode, Faults, known_names, quote};

/// A type that a document can hold.
pub(crate) trait Read: Sized {
    /// The value as this type; `None` after a fault that leaves nothing to continue with.
    fn read(value: &Value, at: &At<'_>, faults: &mut Faults) -> Option<Self>;

    /// The JSON schema of the type; structures put theirs into the book and return a reference.
    fn schema(book: &mut Book) -> Value;

    /// Is the field to be left out when the structure is written?
    fn is_absent(&self) -> bool {
        false
    }
}

/// The schemas of all structures, by name, in the order in which they are met.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) structures: IndexMap<&'static str, Value>,
}

/// A field in the declaration of a structure.
pub(crate) struct FieldRow {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static [&'static str],
    pub(crate) schema: Value,
    /// The default as JSON; `None` for a required field, null for one without a default.
    pub(crate) default: Option<Value>,
}

impl Book {
    /// Adds a structure and returns a reference to it.
    pub(crate) fn structure(
        &mut self,
        name: &'static str,
        doc: &[&str],
        fields: impl FnOnce(&mut Self) -> Vec<FieldRow>,
    ) -> Value {
        if !self.structures.contains_key(name) {
            // Its place in the order; also what stops a structure that contains itself.
            self.structures.insert(name, Value::Null);
            let mut properties = Map::new();
            let mut required = Vec::new();
            for field in fields(self) {
                let mut schema = field.schema;
                if let Value::Object(schema) = &mut schema {
                    schema.insert("description".to_owned(), text(field.doc).into());
                    match field.default {
                        None => required.push(Value::from(field.name)),
                        Some(Value::Null) => {}
                        Some(default) => drop(schema.insert("default".to_owned(), default)),
                    }
                }
                properties.insert(field.name.to_owned(), schema);
            }
            let schema = json!({
                "description": text(doc),
                "type": "object",
                "additionalProperties": false,
                "required": required,
                "properties": properties,
            });
            self.structures.insert(name, schema);
        }
        json!({ "$ref": format!("#/$defs/{name}") })
    }
}

/// Lines of a doc comment as one text.
pub(crate) fn text(doc: &[&str]) -> String {
    doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// The kind of a value, for messages.
pub(crate) const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

pub(crate) fn wrong_type<T>(value: &Value, wanted: &str, at: &At<'_>, faults: &mut Faults) -> Option<T> {
    faults.add(at, FaultCode::WrongType, format!("expected {wanted}, found {}", kind_of(value)));
    None
}

/// The values of the known fields in their order, after fields that do not exist were recorded.
pub(crate) fn fields<'a, const N: usize>(
    value: &'a Value,
    known: [&'static str; N],
    at: &At<'_>,
    faults: &mut Faults,
) -> Option<[Option<&'a Value>; N]> {
    let Value::Object(fields) = value else {
        return wrong_type(value, "a mapping", at, faults);
    };
    let mut found = [None; N];
    for (name, value) in fields {
        if let Some(place) = known.iter().position(|known| known == name) {
            found[place] = Some(value);
        } else {
            faults
                .add(&at.field(name), FaultCode::UnknownField, format!("unknown field `{}`", quote(name)))
                .hint(known_names(name, known.iter().copied()));
        }
    }
    Some(found)
}

pub(crate) fn required<T: Read>(
    found: Option<&Value>,
    name: &str,
    at: &At<'_>,
    faults: &mut Faults,
) -> Option<T> {
    match found {
        Some(value) => T::read(value, &at.field(name), faults),
        None => {
            faults.add(&at.field(name), FaultCode::Missing, format!("required field `{name}` is missing"));
            None
        }
    }
}

pub(crate) fn optional<T: Read>(
    found: Option<&Value>,
    name: &str,
    default: impl FnOnce() -> T,
    at: &At<'_>,
    faults: &mut Faults,
) -> T {
    found.and_then(|value| T::read(value, &at.field(name), faults)).unwrap_or_else(default)
}

/// Declares a structure of the document: `name: Type = default`, or `name: Type` for a required field.
macro_rules! object {
    ($($(#[doc = $doc:literal])+ $name:ident {
        $($(#[doc = $about:literal])+ $field:ident: $type:ty $(= $default:expr)?),+ $(,)?
    })+) => { $(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name { $($(#[doc = $about])+ pub $field: $type),+ }

        impl $crate::read::Read for $name {
            fn read(
                value: &serde_json::Value,
                at: &$crate::fault::At<'_>,
                faults: &mut $crate::fault::Faults,
            ) -> Option<Self> {
                let fields = $crate::read::fields(value, [$($crate::read::plain(stringify!($field))),+], at, faults)?;
                let mut fields = fields.into_iter();
                $(let $field: Option<$type> = $crate::read::object!(@read fields, $field, at, faults $(, $default)?);)+
                Some(Self { $($field: $field?),+ })
            }

            fn schema(book: &mut $crate::read::Book) -> serde_json::Value {
                book.structure(stringify!($name), &[$($doc),+], |book| vec![$($crate::read::FieldRow {
                    name: $crate::read::plain(stringify!($field)),
                    doc: &[$($about),+],
                    schema: <$type as $crate::read::Read>::schema(book),
                    default: $crate::read::object!(@default $type $(, $default)?),
                }),+])
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;
                let mut map = serializer.serialize_map(None)?;
                $(if !$crate::read::Read::is_absent(&self.$field) {
                    map.serialize_entry($crate::read::plain(stringify!($field)), &self.$field)?;
                })+
                map.end()
            }
        }
    )+ };
    (@read $fields:ident, $field:ident, $at:ident, $faults:ident) => {
        $crate::read::required($fields.next().flatten(), $crate::read::plain(stringify!($field)), $at, $faults)
    };
    (@read $fields:ident, $field:ident, $at:ident, $faults:ident, $default:expr) => {
        Some($crate::read::optional($fields.next().flatten(), $crate::read::plain(stringify!($field)), || $default, $at, $faults))
    };
    (@default $type:ty) => { None };
    (@default $type:ty, $default:expr) => {{
        let default: $type = $default;
        Some(if $crate::read::Read::is_absent(&default) {
            serde_json::Value::Null
        } else {
            serde_json::to_value(&default).unwrap_or_default()
        })
    }};
}
pub(crate) use object;

/// The name of a field without the mark that keeps it apart from a keyword: `r#type` is `type`.
pub(crate) const fn plain(name: &'static str) -> &'static str {
    match name.as_bytes() {
        [b'r', b'#', ..] => name.split_at(2).1,
        _ => name,
    }
}

impl<T: Read> Read for Option<T> {
    fn read(value: &Value, at: &At<'_>, faults: &mut Faults) -> Option<Self> {
        T::read(value, at, faults).map(Some)
    }

    fn schema(book: &mut Book) -> Value {
        T::schema(book)
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(value: &Value, at: &At<'_>, faults: &mut Faults) -> Option<Self> {
        let Value::Array(items) = value else {
            return wrong_type(value, "a list", at, faults);
        };
        let read = |(index, item)| T::read(item, &at.item(index), faults);
        Some(items.iter().enumerate().filter_map(read).collect())
    }

    fn schema(book: &mut Book) -> Value {
        json!({ "type": "array", "items": T::schema(book) })
    }
}

impl Read for bool {
    fn read(value: &Value, at: &At<'_>, faults: &mut Faults) -> Option<Self> {
        value.as_bool().or_else(|| wrong_type(value, "true or false", at, faults))
    }

    fn schema(_: &mut Book) -> Value {
        json!({ "type": "boolean" })
    }
}

/// The longest free text, in characters.
const MAX_TEXT: usize = 2_000;

impl Read for String {
    fn read(value: &Value, at: &At<'_>, faults: &mut Faults) -> Option<Self> {
        let Value::String(text) = value else {
            return wrong_type(value, "a string", at, faults);
        };
        if text.chars().nth(MAX_TEXT).is_some() {
            faults.add(at, FaultCode::TooLarge, format!("the text is longer than {MAX_TEXT} characters"));
            return None;
        }
        Some(text.clone())
    }

    fn schema(_: &mut Book) -> Value {
        json!({ "type": "string", "maxLength": MAX_TEXT })
    }
}

/// Makes a type with one text form part of a document: `parse` reads it, `Display` writes it, `WHAT`,
/// `PATTERN` and `FORM` describe it.
macro_rules! text_form {
    ($($name:ty),+ $(,)?) => { $(
        impl $crate::read::Read for $name {
            fn read(
                value: &serde_json::Value,
                at: &$crate::fault::At<'_>,
                faults: &mut $crate::fault::Faults,
            ) -> Option<Self> {
                let serde_json::Value::String(text) = value else {
                    return $crate::read::wrong_type(value, "a string", at, faults);
                };
                match Self::parse(text) {
                    Ok(read) => Some(read),
                    Err(bad) => {
                        faults.add(at, bad.code(), bad.to_string()).hint(Self::FORM);
                        None
                    }
                }
            }

            fn schema(_: &mut $crate::read::Book) -> serde_json::Value {
                serde_json::json!({ "type": "string", "title": Self::WHAT, "pattern": Self::PATTERN })
            }
        }

        $crate::read::text_serde!($name);
    )+ };
}
pub(crate) use text_form;

/// serde by the same text form.
macro_rules! text_serde {
    ($name:ty) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use text_serde;

/// Reads one of the words of an enum that [`crate::fault::words`] declared.
macro_rules! read_words {
    ($($name:ident),+ $(,)?) => { $(
        impl $crate::read::Read for $name {
            fn read(
                value: &serde_json::Value,
                at: &$crate::fault::At<'_>,
                faults: &mut $crate::fault::Faults,
            ) -> Option<Self> {
                let serde_json::Value::String(text) = value else {
                    return $crate::read::wrong_type(value, "a string", at, faults);
                };
                let found = Self::ALL.iter().copied().find(|word| word.as_str() == text);
                if found.is_none() {
                    let words = Self::ALL.iter().map(|word| word.as_str());
                    faults
                        .add(at, $crate::fault::FaultCode::Invalid, format!("unknown value `{}`", $crate::fault::quote(text)))
                        .hint(format!("use {}", words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")));
                }
                found
            }

            fn schema(_: &mut $crate::read::Book) -> serde_json::Value {
                let words: Vec<_> = Self::ALL.iter().zip(Self::MEANINGS).collect();
                serde_json::json!({
                    "enum": Self::ALL,
                    "$comment": words.iter().map(|(word, meaning)| format!("`{word}`:{meaning}")).collect::<Vec<_>>().join(" "),
                })
            }
        }
    )+ };
}
pub(crate) use read_words;
