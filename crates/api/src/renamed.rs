//! Fields of replies that were renamed: a reply has both, for one release.
//!
//! A type has only the new names. A row of `renamed_fields!` adds the old ones to its JSON and, as deprecated, to its
//! schema; the type itself needs `#[serde(remote = "Self")]` and `#[schemars(transform = renamed::deprecate::<Self>)]`.

use schemars::Schema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::{Artifacts, Capacity, Job, JobResult, OmittedFile, Timing};

/// A field that was renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RenamedField {
    /// What has the field: a schema, or the code of a warning.
    pub of: &'static str,
    /// The name that is deprecated.
    pub old: &'static str,
    /// The name of the field.
    pub new: &'static str,
}

/// A type with renamed fields.
pub(crate) trait Renamed {
    /// The fields.
    const FIELDS: &'static [RenamedField];
}

/// Declares the renamed fields of types: `Type as "name of its schema" { new: type of the field = "old" }`.
macro_rules! renamed_fields {
    ($($name:ident as $of:literal { $($new:ident: $type:ty = $old:literal),+ $(,)? })+) => {
        /// Every field of a reply that was renamed. Remove a row one release after it was added.
        pub const RENAMED_FIELDS: &[&[RenamedField]] = &[$($name::FIELDS),+];

        $(
            impl Renamed for $name {
                const FIELDS: &'static [RenamedField] =
                    &[$(RenamedField { of: $of, old: $old, new: stringify!($new) }),+];
            }

            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    struct New<'a>(&'a $name);
                    impl Serialize for New<'_> {
                        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                            // The function that the derive makes, with the new names.
                            $name::serialize(self.0, serializer)
                        }
                    }
                    #[derive(Serialize)]
                    struct Both<'a> {
                        #[serde(flatten)]
                        fields: New<'a>,
                        $(#[serde(rename = $old)] $new: &'a $type),+
                    }
                    Both { fields: New(self), $($new: &self.$new),+ }.serialize(serializer)
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    $name::deserialize(deserializer)
                }
            }
        )+
    };
}

renamed_fields! {
    Capacity as "Capacity" { running: u64 = "at_work", max: u64 = "most" }
    Job as "Job" { failures_omitted: u64 = "failures_left_out" }
    JobResult as "Result" { failures_omitted: u64 = "failures_left_out", results_omitted: u64 = "results_left_out" }
    Timing as "Timing" { tasks_omitted: u64 = "tasks_left_out" }
    Artifacts as "Artifacts" { omitted: Vec<OmittedFile> = "left_out", local: bool = "here" }
    OmittedFile as "Artifacts.omitted[]" { reason: String = "why" }
}

/// Adds the old names to the schema of a type.
pub(crate) fn deprecate<T: Renamed>(schema: &mut Schema) {
    for RenamedField { old, new, .. } in T::FIELDS {
        if let Some(Value::Array(required)) = schema.get_mut("required")
            && required.contains(&json!(new))
        {
            required.push(json!(old));
        }
        let Some(Value::Object(properties)) = schema.get_mut("properties") else { continue };
        let Some(Value::Object(mut property)) = properties.get(*new).cloned() else { continue };
        property.insert("description".to_owned(), format!("Deprecated: use `{new}`").into());
        property.insert("deprecated".to_owned(), true.into());
        properties.insert((*old).to_owned(), property.into());
    }
}

/// Every field that was renamed in the data of warnings, which are events. Databases keep events of the versions before.
pub const RENAMED_IN_WARNINGS: &[RenamedField] =
    &[RenamedField { of: "content_left_out", old: "left_out_of_the_private_directory", new: "omitted" }];

/// Adds to the data of a warning each field under its other name, so that it has both, whichever version wrote it.
pub fn complete_warning(data: &mut Map<String, Value>) {
    let Some(code) = data.get("code").and_then(Value::as_str).map(str::to_owned) else { return };
    for RenamedField { old, new, .. } in RENAMED_IN_WARNINGS.iter().filter(|field| field.of == code) {
        for (from, to) in [(old, new), (new, old)] {
            if let Some(value) = data.get(*from).filter(|_| !data.contains_key(*to)).cloned() {
                data.insert((*to).to_owned(), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Schemas;

    #[test]
    fn a_reply_has_a_renamed_field_under_both_names() {
        let capacity = Capacity { running: 1, max: 4 };
        let text = serde_json::to_string(&capacity).expect("JSON");
        assert_eq!(text, r#"{"running":1,"max":4,"at_work":1,"most":4}"#);
        assert_eq!(serde_json::from_str::<Capacity>(&text).ok(), Some(capacity));
        let file = OmittedFile { path: "a".to_owned(), reason: "it holds a secret".to_owned() };
        let artifacts =
            Artifacts { node: None, local: true, files: 0, artifacts: Vec::new(), omitted: vec![file] };
        let json = serde_json::to_value(&artifacts).expect("JSON");
        assert_eq!((&json["omitted"], &json["local"]), (&json["left_out"], &json["here"]));
        let file = json!({ "path": "a", "reason": "it holds a secret", "why": "it holds a secret" });
        assert_eq!(json["omitted"], json!([file]));
    }

    #[test]
    fn the_schema_says_that_an_old_name_is_deprecated() {
        let mut schemas = Schemas::default();
        schemas.of::<Job>();
        schemas.of::<JobResult>();
        schemas.of::<Timing>();
        schemas.of::<Artifacts>();
        let definitions = schemas.into_definitions();
        for field in RENAMED_FIELDS.iter().copied().flatten() {
            let schema = match field.of {
                "Artifacts.omitted[]" => &definitions["Artifacts"]["properties"]["omitted"]["items"],
                name => &definitions[name],
            };
            let (old, new) = (&schema["properties"][field.old], &schema["properties"][field.new]);
            assert_eq!((&old["type"], &old["deprecated"]), (&new["type"], &json!(true)), "{field:?}");
            assert_eq!(new["deprecated"], Value::Null, "{field:?}");
            let required = schema["required"].as_array().expect("names");
            assert!([field.old, field.new].iter().all(|name| required.contains(&json!(name))), "{field:?}");
        }
    }

    #[test]
    fn a_warning_of_every_version_has_both_names() {
        for name in ["left_out_of_the_private_directory", "omitted"] {
            let mut data = Map::new();
            data.insert("code".to_owned(), json!("content_left_out"));
            data.insert(name.to_owned(), json!([{ "path": "a", "why": "it is a socket" }]));
            complete_warning(&mut data);
            assert_eq!(data["omitted"], data["left_out_of_the_private_directory"]);
            assert_eq!(data.len(), 3);
        }
        let mut other =
            Map::from_iter([("code".to_owned(), json!("other")), ("omitted".to_owned(), json!(1))]);
        complete_warning(&mut other);
        assert_eq!(other.len(), 2);
    }
}
