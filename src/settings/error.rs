//! Why settings are refused.

use std::{io, path::PathBuf};

use super::origin::Place;

/// Why settings are refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No key has this name.
    #[error("{place}: unknown setting `{name}`{}", suggestion(.nearest.as_deref(), .place))]
    UnknownSetting {
        /// The name as it was given, in the form `section.key`.
        name: String,
        /// Where it stands.
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
    /// The value of a known key is of the wrong type or out of its range.
    #[error("{place}: setting `{key}` is {value}: use {allowed}")]
    BadValue {
        /// The key, in the form `section.key`.
        key: String,
        /// The value as it was given, quoted if it is a text; `***` for secrets.
        value: String,
        /// What may stand there.
        allowed: String,
        /// Where it stands.
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
    /// The settings file is not TOML. The text around the mistake is not shown: it may hold a secret.
    #[error("{place}: not valid TOML: {message}")]
    NotToml {
        /// Where the mistake is.
        place: Box<Place>,
        /// What the parser says.
        message: String,
    },
    /// The layers do not make up settings; a key table that does not agree with the types is the only cause.
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
