//! Where the value of a setting came from.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde::{Serialize, Serializer};

use super::variable;

/// Where the value of a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `config/default.toml`, as it is embedded in the program.
    Default,
    /// A settings file.
    File(PathBuf),
    /// An environment variable, by its name.
    Environment(String),
    /// An option of the command line.
    CommandLine,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Environment(variable) => write!(f, "environment {variable}"),
            Self::CommandLine => f.write_str("command line"),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The origin of each effective value, by key.
#[derive(Debug, Clone, Default)]
pub struct Origins(BTreeMap<String, Origin>);

impl Origins {
    pub(super) fn set(&mut self, key: String, origin: Origin) {
        self.0.insert(key, origin);
    }

    /// Where the value of `section.key` came from; a value that no layer sets is the program's own.
    #[must_use]
    pub fn of(&self, key: &str) -> &Origin {
        self.0.get(key).unwrap_or(&Origin::Default)
    }
}

/// An origin and, in a file, the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, variable or command line.
    pub origin: Origin,
    /// The line of a file, from 1.
    pub line: Option<usize>,
}

impl Place {
    /// The environment variable that sets a key, if this place is a variable.
    pub(super) fn variable_of(&self, key: &str) -> Option<String> {
        matches!(self.origin, Origin::Environment(_)).then(|| variable::variable_of(key))
    }
}

impl From<Origin> for Place {
    fn from(origin: Origin) -> Self {
        Self { origin, line: None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}, line {line}", self.origin),
            None => write!(f, "{}", self.origin),
        }
    }
}
