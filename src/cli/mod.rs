//! The command line.

mod audit;
mod doctor;
mod export;
mod init;
mod keys;
mod serve;
mod stored;
mod token;
mod worker;

use std::{
    ffi::OsString,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};

use crate::{
    own_memory,
    settings::{CommandLine, Inputs, LogFormat},
    telemetry::{self, LogOptions},
};

/// Runs Ansible playbooks over HTTP.
#[derive(Debug, Parser)]
#[command(name = "rangehand", version)]
struct Cli {
    /// A settings file
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Options of `serve`.
#[derive(Debug, Default, Args)]
struct Listen {
    /// The address to listen on
    #[arg(long)]
    host: Option<String>,
    /// The TCP port to listen on; 0 selects any free port
    #[arg(long)]
    port: Option<u16>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the HTTP API (the default)
    Serve(Listen),
    /// Run jobs of a shared PostgreSQL database, without the HTTP API
    Worker,
    /// Show the effective settings and check what the service needs
    Doctor {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write documents of the HTTP API: to standard output, scripts into a directory
    Export {
        #[command(subcommand)]
        what: export::What,
    },
    /// Create, list, and revoke API tokens
    Token {
        #[command(subcommand)]
        what: token::What,
    },
    /// Read the audit log, and verify that it is unchanged
    Audit {
        #[command(subcommand)]
        what: audit::What,
    },
    /// List or rotate the keys that encrypt the secrets of jobs
    Keys {
        #[command(subcommand)]
        action: keys::Action,
    },
    /// Keep `serve` or `worker` running as process 1 of a container: restart it when it crashes, and let its runs go on
    Init {
        /// The command to run [default: serve]; one that is no service just replaces this process
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
    /// Own one run; started by the service itself
    #[command(hide = true)]
    Supervise {
        /// The directory of the run
        #[arg(required_unless_present = "spare")]
        directory: Option<PathBuf>,
        /// Wait to be given a run on standard output, with a child that has Ansible imported on standard input
        #[arg(long, conflicts_with = "directory")]
        spare: bool,
    },
    /// Inspect content as standard input says; started by the service itself
    #[command(hide = true)]
    Inspect,
    /// Put limits on oneself, then become a program; started by a supervisor
    #[command(hide = true)]
    Confine {
        /// The limits, as JSON
        confinement: String,
        /// The program and its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        program: Vec<OsString>,
    },
}

/// Does what the command line says.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let Cli { config, command } = cli;
    let listening =
        |Listen { host, port }| Inputs::of_process(CommandLine { config: config.clone(), host, port });
    let inputs = || listening(Listen::default());
    let ended = match command.unwrap_or(Command::Serve(Listen::default())) {
        Command::Serve(listen) => {
            listening(listen).map_err(Into::into).and_then(|inputs| serve::run(&inputs))
        }
        Command::Worker => inputs().map_err(Into::into).and_then(|inputs| worker::run(&inputs)),
        Command::Doctor { json } => inputs()
            .map_err(Into::into)
            .and_then(|inputs| doctor::run(&inputs, json, &mut io::stdout().lock())),
        Command::Keys { action } => inputs()
            .map_err(Into::into)
            .and_then(|inputs| keys::run(&inputs, action, &mut io::stdout().lock())),
        Command::Export { what } => export::run(&what, &mut io::stdout().lock()),
        Command::Token { what } => inputs()
            .map_err(Into::into)
            .and_then(|inputs| token::run(&inputs, what, &mut io::stdout().lock())),
        Command::Audit { what } => inputs()
            .map_err(Into::into)
            .and_then(|inputs| audit::run(&inputs, what, &mut io::stdout().lock())),
        Command::Init { command } => with_log(|| init::run(&command)),
        Command::Supervise { directory, .. } => Ok(with_little_log(|| {
            own_memory::close();
            ansible::supervisor::main(directory)
        })),
        Command::Inspect => Ok(with_little_log(|| {
            own_memory::close();
            content::inspector::main()
        })),
        Command::Confine { confinement, program } => {
            Ok(with_little_log(|| process::confine::main(&confinement, &program)))
        }
    };
    ended.unwrap_or_else(|error: Box<dyn std::error::Error>| refuse(&*error))
}

/// What reads no settings and can fail.
fn with_log(
    main: impl FnOnce() -> Result<ExitCode, Box<dyn std::error::Error>>,
) -> Result<ExitCode, Box<dyn std::error::Error>> {
    telemetry::init(&LogOptions { filter: "warn".to_owned(), format: LogFormat::Text })?;
    main()
}

/// What belongs to a run reads no settings: it is told everything by the service, and logs what goes wrong.
fn with_little_log(main: impl FnOnce() -> ExitCode) -> ExitCode {
    let options = LogOptions { filter: "warn".to_owned(), format: LogFormat::Text };
    match telemetry::init(&options) {
        Ok(()) => main(),
        Err(error) => refuse(&error),
    }
}

/// Says why the program ends, with every cause.
fn refuse(error: &dyn std::error::Error) -> ExitCode {
    let mut text = format!("rangehand: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!("\n  because: {cause}"));
        source = cause.source();
    }
    // Nobody is left to be told when standard error is closed.
    let _ = writeln!(io::stderr(), "{text}");
    ExitCode::FAILURE
}
