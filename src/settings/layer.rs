//! A layer: the settings from one source.

use config::{ConfigError, Map, Source, Value, ValueKind};

use super::{
    Error, ansible,
    kind::{Key, Kind, NamedTables},
    origin::Place,
    read::{self, Checked, Raw},
    tables,
};

/// One key that a source sets.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: &'static Key,
    /// The name in a key that is a table, or the name of the table that has the key.
    pub(super) member: Option<String>,
    pub(super) value: Checked,
    pub(super) place: Place,
    /// The name under which the source sets the key, if it is an old one.
    pub(super) old_name: Option<&'static str>,
}

impl Entry {
    /// A checked entry.
    ///
    /// # Errors
    /// [`Error::BadValue`] if the value is invalid for the key.
    pub(super) fn new(key: &'static Key, raw: Raw, place: Place) -> Result<Self, Error> {
        let shown = shown(key, &raw);
        match read::check(key, raw) {
            Ok(value) => Ok(Self { key, member: None, value, place, old_name: None }),
            Err(allowed) => {
                Err(Error::BadValue { key: key.name.to_owned(), value: shown, allowed, place: place.into() })
            }
        }
    }

    /// A checked entry of a table that users name.
    ///
    /// # Errors
    /// If the tables have no such key; [`Error::BadValue`] if the name of the table or the value is invalid.
    pub(super) fn in_table(
        tables: &NamedTables,
        table: &str,
        key: &str,
        raw: Raw,
        place: Place,
    ) -> Result<Self, Error> {
        let Some(key) = tables.key(key) else { return Err(tables.unknown(table, key, place)) };
        if !(tables.names.accepts)(table) {
            return Err(Error::BadValue {
                key: format!("{}.{table}", tables.section),
                value: format!("not a valid name of a {}", tables.noun),
                allowed: tables.names.allowed.to_owned(),
                place: Box::new(place),
            });
        }
        let entry = Self {
            member: Some(table.to_owned()),
            key,
            place,
            value: Checked::Plain(ValueKind::Nil),
            old_name: None,
        };
        let shown = shown(key, &raw);
        match read::check(key, raw) {
            Ok(value) => Ok(Self { value, ..entry }),
            Err(allowed) => Err(Error::BadValue {
                key: entry.name(),
                value: shown,
                allowed,
                place: Box::new(entry.place),
            }),
        }
    }

    /// A checked entry of a table of environment variables.
    ///
    /// # Errors
    /// [`Error::BadValue`] if the name or the value is invalid.
    pub(super) fn member(key: &'static Key, name: &str, raw: Raw, place: Place) -> Result<Self, Error> {
        let refuse = |value: String, allowed: &str, place: Place| {
            let key = format!("{}.{name}", key.name);
            Err(Error::BadValue { key, value, allowed: allowed.to_owned(), place: Box::new(place) })
        };
        if !(ansible::VARIABLE_RULE.accepts)(name) {
            return refuse("not a name that may be set".to_owned(), ansible::VARIABLE_RULE.allowed, place);
        }
        match raw {
            Raw::Text(text) if !text.contains('\0') => {
                let value = Checked::Plain(ValueKind::String(text));
                Ok(Self { key, member: Some(name.to_owned()), value, place, old_name: None })
            }
            _ => refuse("not a string".to_owned(), "a string", place),
        }
    }

    /// The same entry, set under an old name of its key.
    pub(super) fn under(self, old_name: Option<&'static str>) -> Self {
        Self { old_name, ..self }
    }

    /// `section.key`, and the name in a table.
    pub(super) fn name(&self) -> String {
        match (&self.member, tables::of_key(self.key)) {
            (Some(table), Some((tables, key))) => format!("{}.{table}.{key}", tables.section),
            (Some(member), None) => format!("{}.{member}", self.key.name),
            (None, _) => self.key.name.to_owned(),
        }
    }
}

fn shown(key: &Key, raw: &Raw) -> String {
    if matches!(key.kind, Kind::Secret(_)) { model::redact::MASK.to_owned() } else { raw.to_string() }
}

/// What one source sets.
#[derive(Debug, Clone, Default)]
pub(super) struct Layer(Vec<Entry>);

impl Layer {
    pub(super) fn entries(&self) -> &[Entry] {
        &self.0
    }

    pub(super) fn extend(&mut self, entries: impl IntoIterator<Item = Entry>) {
        self.0.extend(entries);
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let mut sections: Map<String, Map<String, Value>> = Map::new();
        for entry in &self.0 {
            let Checked::Plain(kind) = &entry.value else { continue };
            let (section_name, key) = entry.key.name.split_once('.').unwrap_or(("", entry.key.name));
            let value = Value::new(Some(&entry.place.origin.to_string()), kind.clone());
            let section = sections.entry(section_name.to_owned()).or_default();
            match &entry.member {
                Some(table) if tables::find(section_name).is_some() => put(section, table, key, value),
                Some(member) => put(section, key, member, value),
                None => drop(section.insert(key.to_owned(), value)),
            }
        }
        Ok(sections.into_iter().map(|(name, section)| (name, Value::from(section))).collect())
    }
}

fn put(section: &mut Map<String, Value>, key: &str, member: &str, value: Value) {
    let table = section.entry(key.to_owned()).or_insert_with(|| Value::from(Map::<String, Value>::new()));
    if let ValueKind::Table(members) = &mut table.kind {
        members.insert(member.to_owned(), value);
    }
}
