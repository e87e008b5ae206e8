//! The external inputs of the settings.

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf};

use model::redact::tells_of_a_secret;
use secrecy::SecretString;

use super::Error;

/// Environment variables by name.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// The value of a variable, unless it is unset or empty.
    ///
    /// # Errors
    /// [`Error::NotText`] if the value is not UTF-8.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Error> {
        match self.raw(name) {
            Some(value) => match value.to_str() {
                Some(text) => Ok(Some(text).filter(|text| !text.is_empty())),
                None => Err(Error::NotText { variable: name.to_owned() }),
            },
            None => Ok(None),
        }
    }

    /// The value of a variable, whatever its bytes.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&OsString> {
        self.0.get(&OsString::from(name))
    }

    /// The values of variables whose names indicate a secret.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = SecretString> {
        let is_secret = |name: &OsString| name.to_str().is_some_and(tells_of_a_secret);
        let values = self.0.iter().filter(move |(name, _)| is_secret(name));
        values.filter_map(|(_, value)| value.to_str().map(SecretString::from))
    }

    /// The names that are valid UTF-8; other names cannot be settings.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().filter_map(|name| name.to_str())
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Names only: values may be secret.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What the command line sets.
#[derive(Debug, Clone, Default)]
pub struct CommandLine {
    /// `--config`: a settings file, which must exist.
    pub config: Option<PathBuf>,
    /// `--host`: overrides `server.host`.
    pub host: Option<String>,
    /// `--port`: overrides `server.port`.
    pub port: Option<u16>,
}

/// The external inputs of the settings.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// The environment.
    pub environment: Environment,
    /// The working directory, absolute.
    pub directory: PathBuf,
    /// The program's own file, for the search for a virtual environment beside it.
    pub executable: Option<PathBuf>,
    /// How many processor cores there are, for settings where 0 means that many.
    pub cores: usize,
    /// How much memory there is in bytes, for the number of runs at once; `None` where it is not known.
    pub memory: Option<u64>,
    /// The options of the command line.
    pub command_line: CommandLine,
}

impl Inputs {
    /// What this process was started with.
    ///
    /// # Errors
    /// The working directory does not exist or is not readable.
    pub fn of_process(command_line: CommandLine) -> std::io::Result<Self> {
        Ok(Self {
            environment: std::env::vars_os().collect(),
            directory: std::env::current_dir()?,
            executable: std::env::current_exe().ok(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory: memory(),
            command_line,
        })
    }
}
/// From /proc/meminfo, in kB there.
fn memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    total.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
