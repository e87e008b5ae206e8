//! The command line.

mod audit;
mod doctor;
mod export;
mod init;
mod keys;
mod range;
mod serve;
mod stored;
mod template;
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
    hardening,
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
    /// Plan, apply, and observe ranges of a running service
    Range(range::Command),
    /// Build and list the templates of guests
    Template {
        #[command(subcommand)]
        what: template::What,
    },
    /// Keep `serve` or `worker` running as process 1 of a container: restart it when it crashes, while its runs continue
    Init {
        /// Command to run [default: serve]; a command other than `serve` and `worker` replaces this process
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
    /// Own one run; started by the service itself
    #[command(hide = true)]
    Supervise {
        /// The directory of the run
        #[arg(required_unless_present = "spare")]
        directory: Option<PathBuf>,
        /// Wait for a run on standard output, with a child that has Ansible imported on standard input
        #[arg(long, conflicts_with = "directory")]
        spare: bool,
    },
    /// Inspect the content described on standard input; started by the service itself
    #[command(hide = true)]
    Inspect,
    /// Connect to a machine of a range and pass the socket to SSH; started by `ssh` as `ProxyCommand`
    #[command(hide = true)]
    Connect {
        /// The run directory of the platform, the owner, the machine, and the port
        arguments: Vec<String>,
    },
    /// Hold the namespaces of a local platform for an ordinary user; started by the service itself
    #[command(hide = true)]
    Hold {
        /// The options of the platform, as JSON
        options: String,
    },
    /// Apply limits to this process, then execute a program; started by a supervisor
    #[command(hide = true)]
    Confine {
        /// The limits, as JSON
        confinement: String,
        /// The program and its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        program: Vec<OsString>,
    },
}

/// Parses the command line and runs the command.
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
        Command::Range(command) => inputs()
            .map_err(Into::into)
            .and_then(|inputs| range::run(&inputs, &command, &mut io::stdout().lock())),
        Command::Template { what } => inputs()
            .map_err(Into::into)
            .and_then(|inputs| template::run(&inputs, what, &mut io::stdout().lock())),
        Command::Init { command } => with_log(|| init::run(&command)),
        Command::Connect { arguments } => serve_local("connect", arguments),
        Command::Hold { options } => serve_local("hold", vec![options]),
        Command::Supervise { directory, .. } => Ok(with_little_log(|| {
            hardening::disable_core_dumps_and_ptrace();
            ansible::supervisor::main(directory)
        })),
        Command::Inspect => Ok(with_little_log(|| {
            hardening::disable_core_dumps_and_ptrace();
            content::inspector::main()
        })),
        Command::Confine { confinement, program } => {
            Ok(with_little_log(|| process::confine::main(&confinement, &program)))
        }
    };
    ended.unwrap_or_else(|error: Box<dyn std::error::Error>| refuse(&*error))
}

/// Runs a command of the local platform. It logs nothing: standard output is the socket of `ssh`.
fn serve_local(command: &str, arguments: Vec<String>) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let words: Vec<String> = std::iter::once(command.to_owned()).chain(arguments).collect();
    Ok(platform::local::program::run(&words).map(|()| ExitCode::SUCCESS)?)
}

/// Runs a command that reads no settings and can fail.
fn with_log(
    main: impl FnOnce() -> Result<ExitCode, Box<dyn std::error::Error>>,
) -> Result<ExitCode, Box<dyn std::error::Error>> {
    telemetry::init(&LogOptions { filter: "warn".to_owned(), format: LogFormat::Text })?;
    main()
}

/// Processes of a run read no settings: the service passes everything to them, and they log only problems.
fn with_little_log(main: impl FnOnce() -> ExitCode) -> ExitCode {
    let options = LogOptions { filter: "warn".to_owned(), format: LogFormat::Text };
    match telemetry::init(&options) {
        Ok(()) => main(),
        Err(error) => refuse(&error),
    }
}

/// Prints why the program ends, with every cause.
fn refuse(error: &dyn std::error::Error) -> ExitCode {
    let mut text = format!("rangehand: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!("\n  because: {cause}"));
        source = cause.source();
    }
    // If standard error is closed, there is no way left to report the error.
    let _ = writeln!(io::stderr(), "{text}");
    ExitCode::FAILURE
}
