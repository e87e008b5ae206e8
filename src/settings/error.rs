//! Errors of the settings.

use std::{io, path::PathBuf};

use super::origin::Place;

/// An error of the settings.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No key has this name.
    #[error("{place}: unknown setting `{name}`{}", suggestion(.nearest.as_deref(), .place))]
    UnknownSetting {
        /// The name as it was given, in the form `section.key`.
        name: String,
        /// Where it is set.
        place: Box<Place>,
        /// The known key that is spelled most like it.
        nearest: Option<String>,
    },
    /// A project has no directory.
    #[error("the project `{name}` has no directory\nhint: set `projects.{name}.root`")]
    NoRoot {
        /// Its name.
        name: String,
    },
    /// A platform has no kind.
    #[error(
        "the platform `{name}` has no kind\nhint: set `platforms.{name}.kind` to `simulated`, `local`, or `proxmox`"
    )]
    NoPlatformKind {
        /// Its name.
        name: String,
    },
    /// A platform has no value of a key that its kind requires.
    #[error("the platform `{name}` has no `{key}`\nhint: set `platforms.{name}.{key}`")]
    NoPlatformKey {
        /// Its name.
        name: String,
        /// The key.
        key: &'static str,
    },
    /// A setting names a platform that does not exist.
    #[error("setting `{key}` is `{name}`, and there is no such platform: use {known}")]
    UnknownPlatform {
        /// The setting.
        key: &'static str,
        /// Its value.
        name: String,
        /// The platforms.
        known: String,
    },
    /// A key of a platform belongs to another kind of platform.
    #[error(
        "{place}: setting `{key}` requires a platform of kind `{needed}`, and this one is of kind `{kind}`"
    )]
    OtherPlatformKind {
        /// The key.
        key: String,
        /// The kind of the platform.
        kind: &'static str,
        /// The kinds that have the key.
        needed: String,
        /// Where it is set.
        place: Box<Place>,
    },
    /// The value of a known key is of the wrong type or out of its range.
    #[error("{place}: setting `{key}` is {value}: use {allowed}")]
    BadValue {
        /// The key, in the form `section.key`.
        key: String,
        /// The value as it was given, quoted if it is a text; `***` for secrets.
        value: String,
        /// The allowed values.
        allowed: String,
        /// Where it is set.
        place: Box<Place>,
    },
    /// A setting that was renamed has one value under its old name and another under its new one.
    #[error(
        "`{old}` ({old_place}) was renamed to `{new}` ({new_place}), and they have different values\nhint: remove `{old}`"
    )]
    RenamedTwice {
        /// The old name.
        old: String,
        /// The name of the key.
        new: String,
        /// Where the old name is set.
        old_place: Box<Place>,
        /// Where the new name is set.
        new_place: Box<Place>,
    },
    /// A variable that holds a setting is not UTF-8 text.
    #[error("environment {variable}: its value is not UTF-8 text")]
    NotText {
        /// The name of the variable.
        variable: String,
    },
    /// The settings file cannot be read.
    #[error("settings file `{}` cannot be read", .path.display())]
    UnreadableFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The settings file is not valid TOML. The text around the error is not shown, because it may contain a secret.
    #[error("{place}: not valid TOML: {message}")]
    NotToml {
        /// Where the mistake is.
        place: Box<Place>,
        /// Message of the parser.
        message: String,
    },
    /// The layers cannot be merged; the only cause is a table of keys that does not match the types.
    #[error("the settings do not fit together")]
    Layers(#[from] config::ConfigError),
}

fn suggestion(nearest: Option<&str>, place: &Place) -> String {
    match nearest {
        Some(key) => match place.variable_of(key) {
            Some(variable) => format!(": did you mean `{key}`?\nhint: the variable is {variable}"),
            None => format!(": did you mean `{key}`?"),
        },
        None => "\nhint: config/default.toml documents every setting".to_owned(),
    }
}
