//! Settings as rows for display: key, value, origin.

use serde::Serialize;
use serde_json::Value;

use super::{Loaded, Origin, keys::KEYS, tables::TABLES};

/// One effective setting. Secrets are `***`.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// `section.key`, or `ansible.environment.NAME`.
    pub key: String,
    /// The value; null where nothing is set.
    pub value: Value,
    /// Where it came from.
    pub origin: Origin,
}

impl Row {
    /// The value for people: texts bare, lists as `a, b`, and `-` where nothing is set.
    #[must_use]
    pub fn text(&self) -> String {
        let text = text(&self.value);
        if text.is_empty() { "-".to_owned() } else { text }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Object(members) => members.keys().cloned().collect::<Vec<_>>().join(", "),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

impl Loaded {
    /// Every setting in the order of `config/default.toml`.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let settings = serde_json::to_value(&self.settings).unwrap_or_default();
        let rows = KEYS.iter().flat_map(|key| {
            let value = settings.pointer(&format!("/{}", key.name.replace('.', "/")));
            self.rows_of(key.name, value.cloned().unwrap_or_default())
        });
        let in_tables =
            TABLES.iter().flat_map(|tables| self.rows_of_tables(tables.section, &settings[tables.section]));
        rows.chain(in_tables).collect()
    }

    /// All keys of projects; of platforms the kind, and what is set: few keys apply to each.
    fn rows_of_tables(&self, section: &str, tables: &Value) -> Vec<Row> {
        let tables = tables.as_object().into_iter().flatten();
        let rows = tables.flat_map(|(name, keys)| {
            let keys = keys.as_object().into_iter().flatten();
            keys.map(move |(key, value)| (format!("{section}.{name}.{key}"), value.clone()))
        });
        let rows = rows.map(|(key, value)| Row { origin: self.origins.of(&key).clone(), key, value });
        let is_shown =
            |row: &Row| section != "platforms" || row.origin != Origin::Default || row.key.ends_with(".kind");
        rows.filter(is_shown).collect()
    }

    fn rows_of(&self, key: &str, value: Value) -> Vec<Row> {
        let row = |key: String, value| Row { origin: self.origins.of(&key).clone(), key, value };
        match value {
            Value::Object(members) if !members.is_empty() => {
                members.into_iter().map(|(name, value)| row(format!("{key}.{name}"), value)).collect()
            }
            Value::Object(_) => vec![row(key.to_owned(), Value::Null)],
            value => vec![row(key.to_owned(), value)],
        }
    }
}
