//! `rangehand export`: documents of the HTTP API, generated from its list of endpoints. Reads no settings.

use std::{
    error::Error,
    fs,
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Subcommand, ValueEnum};

use crate::http::documents;

/// What to write.
#[derive(Debug, Subcommand)]
pub(super) enum What {
    /// The OpenAPI 3.1 document
    Openapi,
    /// A declarative configuration (format 3.0) for the Kong gateway
    Kong {
        /// Where Kong reaches the service
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8000")]
        upstream: String,
    },
    /// A curl script for each route of v0 and of ranges
    Curl {
        /// The directory to write them to; what is there already stays, or is written over
        #[arg(long, value_name = "DIR")]
        output: PathBuf,
    },
    /// All routes, with the permission that each asks for
    Routes {
        /// For people or for programs
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
}

/// Output format of the list of routes.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Format {
    Table,
    Json,
}

/// Writes the document.
///
/// # Errors
/// When the output cannot be written.
pub(super) fn run(what: &What, out: &mut dyn Write) -> Result<ExitCode, Box<dyn Error>> {
    let text = match what {
        What::Openapi => documents::openapi(),
        What::Kong { upstream } => documents::kong(upstream),
        What::Routes { format: Format::Table } => documents::route_table(),
        What::Routes { format: Format::Json } => serde_json::to_string_pretty(&documents::routes())? + "\n",
        What::Curl { output } => {
            write_scripts(output)?;
            String::new()
        }
    };
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // The reader closed the pipe, for example `head`: that is not an error.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        ended => Ok(ended.map(|()| ExitCode::SUCCESS)?),
    }
}

fn write_scripts(directory: &Path) -> io::Result<()> {
    for (name, content) in documents::curl_utils() {
        let path = directory.join(&name);
        fs::create_dir_all(path.parent().unwrap_or(directory))?;
        fs::write(&path, content)?;
        if name.ends_with(".sh") {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}
