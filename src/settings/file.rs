//! The layers of settings files: the embedded one, and the one that a user writes.

use std::{
    io,
    path::{Path, PathBuf},
};

use secrecy::zeroize::Zeroizing;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Error, Inputs, Origin,
    kind::{Kind, NamedTables},
    layer::{Entry, Layer},
    nearest::nearest,
    origin::Place,
    read::Raw,
    renamed, tables,
};

/// Every key with its meaning and its default.
pub(super) const DEFAULTS: &str = include_str!("../../config/default.toml");

/// The settings file that is read by default, if it exists in the project root.
const FILE_NAME: &str = "rangehand.toml";

/// The variable that contains the path of the settings file.
const FILE_VARIABLE: &str = "RANGEHAND_CONFIG";

/// The layer of the embedded file, which sets every key.
///
/// # Errors
/// None in a program whose tests passed.
pub(super) fn defaults() -> Result<Layer, Error> {
    layer(DEFAULTS, &Origin::Default)
}

/// The layer of the user's file; empty if there is none.
///
/// # Errors
/// A given file that cannot be read; an unknown key or an invalid value.
pub(super) fn of_user(inputs: &Inputs, project_root: &Path) -> Result<Layer, Error> {
    let named = match &inputs.command_line.config {
        Some(path) => Some(path.clone()),
        None => inputs.environment.text(FILE_VARIABLE)?.map(PathBuf::from),
    };
    let (path, must_exist) = match named {
        Some(path) => (inputs.directory.join(path), true),
        None => (project_root.join(FILE_NAME), false),
    };
    match std::fs::read_to_string(&path).map(Zeroizing::new) {
        Ok(text) => layer(&text, &Origin::File(path)),
        Err(error) if !must_exist && error.kind() == io::ErrorKind::NotFound => Ok(Layer::default()),
        Err(source) => Err(Error::UnreadableFile { path, source }),
    }
}

fn layer(text: &str, origin: &Origin) -> Result<Layer, Error> {
    let place = |byte: Option<usize>| Place {
        origin: origin.clone(),
        line: byte.map(|byte| line_of(text, byte)).filter(|_| *origin != Origin::Default),
    };
    let document = DeTable::parse(text).map_err(|error| Error::NotToml {
        place: Box::new(place(error.span().map(|span| span.start))),
        message: error.message().to_owned(),
    })?;
    let mut layer = Layer::default();
    for (section, keys) in document.get_ref() {
        let place = |span: std::ops::Range<usize>| place(Some(span.start));
        let DeValue::Table(keys) = keys.get_ref() else {
            return Err(unknown(section.get_ref().to_string(), place(section.span())));
        };
        if let Some(tables) = tables::find(section.get_ref()) {
            layer.extend(entries_of_tables(tables, keys, &place)?);
            continue;
        }
        for (key, value) in keys {
            let name = format!("{}.{}", section.get_ref(), key.get_ref());
            layer.extend(entries(&name, key.span(), value, &place)?);
        }
    }
    Ok(layer)
}

fn entries(
    name: &str,
    span: std::ops::Range<usize>,
    value: &Spanned<DeValue<'_>>,
    place: &dyn Fn(std::ops::Range<usize>) -> Place,
) -> Result<Vec<Entry>, Error> {
    let Some((key, old_name)) = renamed::find(name) else {
        return Err(unknown(name.to_owned(), place(span)));
    };
    match (key.kind, value.get_ref()) {
        (Kind::Variables, DeValue::Table(members)) => members
            .iter()
            .map(|(member, value)| Entry::member(key, member.get_ref(), raw(value), place(member.span())))
            .collect(),
        _ => Entry::new(key, raw(value), place(span)).map(|entry| vec![entry.under(old_name)]),
    }
}

/// `[section.NAME]` tables.
fn entries_of_tables(
    tables: &NamedTables,
    section: &DeTable<'_>,
    place: &dyn Fn(std::ops::Range<usize>) -> Place,
) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    for (name, keys) in section {
        let DeValue::Table(keys) = keys.get_ref() else {
            return Err(unknown(format!("{}.{}", tables.section, name.get_ref()), place(name.span())));
        };
        for (key, value) in keys {
            let at = place(key.span());
            entries.push(Entry::in_table(tables, name.get_ref(), key.get_ref(), raw(value), at)?);
        }
    }
    Ok(entries)
}

fn unknown(name: String, place: Place) -> Error {
    let nearest = nearest(&name).map(str::to_owned);
    Error::UnknownSetting { name, place: Box::new(place), nearest }
}

fn raw(value: &Spanned<DeValue<'_>>) -> Raw {
    match value.get_ref() {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Raw::Integer(number),
            Err(_) => Raw::Other(number.to_string()),
        },
        DeValue::Boolean(on) => Raw::Switch(*on),
        DeValue::Array(items) => Raw::List(items.iter().map(raw).collect()),
        DeValue::Float(number) => Raw::Other(number.to_string()),
        DeValue::Datetime(time) => Raw::Other(time.to_string()),
        DeValue::Table(members) => {
            Raw::Table(members.iter().map(|(name, value)| (name.get_ref().to_string(), raw(value))).collect())
        }
    }
}

/// The line, from 1, that a byte stands in.
fn line_of(text: &str, byte: usize) -> usize {
    1 + text.bytes().take(byte).filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{
        keys::{self, KEYS},
        old_names::OLD_NAMES,
        variable::variable_of,
    };

    /// Every key of the embedded file in its order, with the comment above it.
    fn documented() -> Vec<(String, String)> {
        let (mut section, mut comment, mut keys) = (String::new(), String::new(), Vec::new());
        for line in DEFAULTS.lines() {
            if let Some(name) = line.strip_prefix('[') {
                section = name.trim_end_matches(']').to_owned();
            } else if let Some(text) = line.strip_prefix('#') {
                comment.push_str(text);
                continue;
            } else if let Some((key, _)) = line.split_once(" = ") {
                keys.push((format!("{section}.{key}"), comment.clone()));
            }
            comment.clear();
        }
        keys
    }

    #[test]
    fn the_table_of_keys_and_the_embedded_file_agree() {
        let in_file: Vec<String> = documented().into_iter().map(|(key, _)| key).collect();
        let in_table: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
        assert_eq!(in_file, in_table);
    }

    #[test]
    fn every_key_is_documented_with_its_variable_and_its_old_name() {
        for (key, comment) in documented() {
            assert!(comment.contains(&variable_of(&key)), "{key} lacks its variable: {comment:?}");
            for old in OLD_NAMES.iter().filter(|old| old.key == key) {
                let names = [format!("name {}.", old.variable), format!("name {}:", old.variable)];
                assert!(names.iter().any(|name| comment.contains(name)), "{key} lacks {}", old.variable);
            }
        }
    }

    #[test]
    fn every_key_of_named_tables_is_documented_with_its_variable() {
        for tables in tables::TABLES {
            let section = tables.section;
            let heading = format!("#[{section}.NAME]");
            let (_, documented) = DEFAULTS.split_once(&heading).expect("the tables are documented");
            let ends = ["\n[", "\n#["].map(|next| documented.find(next).unwrap_or(documented.len()));
            let documented = &documented[..ends[0].min(ends[1])];
            let is_key = |line: &&str| line.starts_with('#') && !line.starts_with("# ");
            let keys = documented.lines().filter(is_key).filter_map(|line| line[1..].split_once(" = "));
            let in_file: Vec<String> = keys.map(|(key, _)| format!("{section}.{key}")).collect();
            let in_table: Vec<&str> = tables.keys.iter().map(|key| key.name).collect();
            assert_eq!(in_file, in_table);
            for key in tables.short_names() {
                let variable = variable_of(&format!("{section}.NAME.{key}"));
                assert!(documented.contains(&format!("Environment: {variable}.")), "{key} lacks {variable}");
            }
        }
    }

    #[test]
    fn every_range_is_documented() {
        for (name, comment) in documented() {
            if let Some(Kind::Integer { min, max }) = keys::find(&name).map(|key| key.kind) {
                assert!(comment.contains(&format!("{min} to {max}")), "{name}: {comment:?}");
            }
        }
    }

    #[test]
    fn the_text_around_a_mistake_is_not_shown() {
        let error = layer("[vault]\npassword = \"abcdef", &Origin::Default).unwrap_err();
        assert!(!error.to_string().contains("abcdef"), "{error}");
        assert!(error.to_string().contains("not valid TOML"), "{error}");
    }
}
