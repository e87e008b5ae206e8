//! Logging: one subscriber for the whole process, to standard error.
//!
//! Secrets are not logged. Should a text that we were given quote one, it is masked here: by its shape, and by its value
//! where the service itself has it.

use std::{
    io::{self, Write},
    sync::{PoisonError, RwLock},
};

use engine::colored;
use model::Redactor;
use secrecy::{ExposeSecret, SecretString};
use tracing_subscriber::{
    EnvFilter, filter::ParseError, fmt, layer::SubscriberExt, util::SubscriberInitExt, util::TryInitError,
};

use crate::settings::{Log, LogFormat};

/// What is logged, and how.
#[derive(Debug, Clone)]
pub struct LogOptions {
    /// A level, or levels by part, such as `info,engine=debug`.
    pub filter: String,
    /// The shape of lines.
    pub format: LogFormat,
}

impl From<&Log> for LogOptions {
    fn from(log: &Log) -> Self {
        Self { filter: log.filter.clone(), format: log.format }
    }
}

/// Like the subscriber there is one for the process.
static REDACTOR: RwLock<Option<Redactor>> = RwLock::new(None);

/// From now on these are masked in the log.
pub fn hide(secrets: Vec<SecretString>) {
    let redactor = Redactor::new(secrets.iter().map(ExposeSecret::expose_secret));
    *REDACTOR.write().unwrap_or_else(PoisonError::into_inner) = Some(redactor);
}

/// Masks secrets on their way out, and leaves out what a terminal would obey, colors excepted. It is given whole lines.
struct Sanitized<W>(W);

impl<W: Write> Write for Sanitized<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let redactor = REDACTOR.read().unwrap_or_else(PoisonError::into_inner);
        let clean = match &*redactor {
            Some(redactor) => redactor.text(&text),
            None => Redactor::default().text(&text),
        };
        self.0.write_all(colored(&clean).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Why nothing can be logged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter is invalid.
    #[error("the log filter `{filter}` is not valid")]
    Filter {
        /// The filter as it was given.
        filter: String,
        /// What is wrong with it.
        #[source]
        source: ParseError,
    },
    /// Logging was started before in this process.
    #[error("logging is already started")]
    Started(#[from] TryInitError),
}

/// Starts logging.
///
/// # Errors
/// The filter is not valid, or logging was started before.
pub fn init(options: &LogOptions) -> Result<(), Error> {
    let filter = EnvFilter::try_new(&options.filter)
        .map_err(|source| Error::Filter { filter: options.filter.clone(), source })?;
    let lines = fmt::layer().with_writer(|| Sanitized(io::stderr()));
    let registry = tracing_subscriber::registry().with(filter);
    match options.format {
        LogFormat::Text => {
            registry.with(lines.with_ansi(io::IsTerminal::is_terminal(&io::stderr()))).try_init()?
        }
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init()?,
    }
    Ok(())
}
