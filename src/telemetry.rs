//! Logging: one subscriber for the whole process, to standard error.

use std::io;

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

/// Why nothing can be logged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter is none.
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
    let lines = fmt::layer().with_writer(io::stderr);
    let registry = tracing_subscriber::registry().with(filter);
    match options.format {
        LogFormat::Text => {
            registry.with(lines.with_ansi(io::IsTerminal::is_terminal(&io::stderr()))).try_init()?
        }
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init()?,
    }
    Ok(())
}
