//! Sections of tables that users name: `[projects.NAME]`, `[platforms.NAME]`.

use super::{
    Error,
    kind::{Key, NamedTables},
    origin::Place,
    platforms, projects,
};

/// All such sections, in the order of `config/default.toml`.
pub(super) const TABLES: &[&NamedTables] = &[&projects::TABLES, &platforms::TABLES];

/// The section with this name, if its tables are named by users.
pub(super) fn find(section: &str) -> Option<&'static NamedTables> {
    TABLES.iter().copied().find(|tables| tables.section == section)
}

/// The section of a key, if its tables are named by users, and the key in it.
pub(super) fn of_key(key: &'static Key) -> Option<(&'static NamedTables, &'static str)> {
    let (section, key) = key.name.split_once('.')?;
    find(section).map(|tables| (tables, key))
}

impl NamedTables {
    /// The last parts of the names of its keys.
    pub(super) fn short_names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.keys.iter().filter_map(|key| key.name.split_once('.')).map(|(_, key)| key)
    }

    /// The key with this last part.
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name.split_once('.').is_some_and(|(_, key)| key == name))
    }

    /// The error for a key that these tables do not have.
    pub(super) fn unknown(&self, table: &str, key: &str, place: Place) -> Error {
        let likeness = |known: &&str| strsim::normalized_damerau_levenshtein(key, known);
        let nearest = self.short_names().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
        let nearest = nearest.filter(|key| likeness(key) >= 0.5);
        let name = |key: &str| format!("{}.{table}.{key}", self.section);
        Error::UnknownSetting { name: name(key), place: Box::new(place), nearest: nearest.map(name) }
    }
}
