//! `rangehand range`: plans, applies, and observes ranges of a running service, over HTTP.
//!
//! ```text
//!  arguments --> document.rs, client.rs --> change.rs, look.rs --> service
//!                                              |
//!                  plan_text.rs, progress_text.rs, tables.rs (pure): what is printed
//! ```
//! Exit codes: 0 done, or nothing to do; 1 failed; 2 wrong usage; 3 with `--exit-code`, there is a difference; 130 interrupted,
//! and the job continues.

mod change;
mod client;
mod document;
mod failure;
mod follow;
mod look;
mod offline;
mod paint;
mod plan_text;
mod progress_text;
mod reconnect;
mod session;
mod tables;
mod things;

use std::{error::Error, io::Write, process::ExitCode};

use clap::{Args, Subcommand};

use self::{
    change::{Act, ActOnMachines, Apply, Destroy},
    client::Connection,
    document::Source,
    failure::Ended,
    session::Session,
};
use crate::settings::{Inputs, Settings};

/// Where the service is by default.
const USUAL_URL: &str = "http://127.0.0.1:8000";

/// Arguments of `rangehand range`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0    done, or nothing to do
  1    failed: the service rejected the request, or the job did not succeed
  2    wrong usage
  3    with --exit-code: the plan has steps, or there are differences
  130  interrupted; the job continues")]
pub(super) struct Command {
    #[command(flatten)]
    connection: Connection,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show what applying a document would do
    Plan {
        #[command(flatten)]
        source: Source,
        /// Check and plan without a service: for the rules that most platforms share, as if nothing existed
        #[arg(long)]
        offline: bool,
        /// Exit with 3 if the plan has steps
        #[arg(long)]
        exit_code: bool,
    },
    /// Create a range, or change it to what a document describes
    Apply(Apply),
    /// Show a range and its machines
    Show {
        /// Name or ID of the range
        range: String,
    },
    /// List all ranges
    List,
    /// Destroy all machines and networks of a range
    Destroy(Destroy),
    /// Start machines
    Start(ActOnMachines),
    /// Stop machines
    Stop(ActOnMachines),
    /// Save the state of machines under a name
    Snapshot {
        /// Name of the snapshot
        #[arg(long)]
        name: String,
        #[command(flatten)]
        act: ActOnMachines,
    },
    /// Return machines to a snapshot, and start them
    Revert {
        /// Name of the snapshot
        #[arg(long)]
        name: String,
        #[command(flatten)]
        act: ActOnMachines,
    },
    /// Remove a snapshot
    RemoveSnapshot {
        /// Name of the snapshot
        #[arg(long)]
        name: String,
        #[command(flatten)]
        act: ActOnMachines,
    },
    /// Correct every difference between the records and what exists
    Repair(Act),
    /// Send packets between all machines and compare with what the document allows
    Verify(ActOnMachines),
    /// Compare the records with what exists
    Drift {
        /// Name or ID of the range
        range: String,
        /// Exit with 3 if there are differences
        #[arg(long)]
        exit_code: bool,
    },
    /// Undo the last plan, which failed or was canceled
    Rollback(Act),
    /// Continue the last plan, which failed or was canceled
    Resume(Act),
    /// Follow the job of the last plan until it ends
    Follow {
        /// Name or ID of the range
        range: String,
    },
    /// Cancel the job of the last plan, and follow it until it ends
    Cancel(Act),
    /// Extend the lifetime
    Extend {
        /// By how much, such as 30m, 2h, or 1d
        #[arg(long = "by", value_name = "TIME")]
        by: String,
        #[command(flatten)]
        act: Act,
    },
    /// Print the inventory for Ansible as YAML
    Inventory {
        /// Name or ID of the range
        range: String,
    },
    /// List the machines of a range
    Machines {
        /// Name or ID of the range
        range: String,
    },
    /// Print machines and networks as a graph for Graphviz
    Graph {
        /// Name or ID of the range
        range: String,
    },
}

/// Runs the command.
///
/// # Errors
/// The service cannot be reached, or rejects the request; the document is invalid; a file cannot be read.
pub(super) fn run(
    inputs: &Inputs,
    command: &Command,
    out: &mut dyn Write,
) -> Result<ExitCode, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(ended(inputs, command, out));
    // A thread that still waits for an answer on the terminal must not delay the end.
    runtime.shutdown_background();
    Ok(ended?.into())
}

async fn ended(inputs: &Inputs, command: &Command, out: &mut dyn Write) -> Result<Ended, Box<dyn Error>> {
    if let Action::Plan { source, offline: true, exit_code } = &command.action {
        let plan = offline::plan(&source.name(), source.read()?)?;
        return Ok(look::show_plan(&plan, command.json, *exit_code, out)?);
    }
    let client = command.connection.open(|| usual_url(inputs))?;
    let mut session = Session::new(client, command.json, out);
    let session = &mut session;
    Ok(match &command.action {
        Action::Plan { source, exit_code, .. } => {
            let plan = change::planned(session, &source.read()?).await?;
            look::show_plan(&plan, session.json, *exit_code, session.out)?
        }
        Action::Apply(apply) => change::apply(session, apply).await?,
        Action::Destroy(destroy) => change::destroy(session, destroy).await?,
        Action::List => look::list(session).await?,
        Action::Show { range } => look::show(session, range).await?,
        Action::Machines { range } => look::machines(session, range).await?,
        Action::Inventory { range } => look::inventory(session, range).await?,
        Action::Graph { range } => look::graph(session, range).await?,
        Action::Drift { range, exit_code } => look::drift(session, range, *exit_code).await?,
        Action::Start(act) => change::act_on_machines(session, act, "start", None).await?,
        Action::Stop(act) => change::act_on_machines(session, act, "stop", None).await?,
        Action::Repair(act) => change::act(session, act, "repair", None).await?,
        Action::Verify(act) => change::act_on_machines(session, act, "verify", None).await?,
        Action::Rollback(act) => change::act(session, act, "rollback", None).await?,
        Action::Resume(act) => change::act(session, act, "resume", None).await?,
        Action::Follow { range } => change::follow_last(session, range).await?,
        Action::Cancel(act) => change::cancel(session, act).await?,
        Action::Snapshot { name, act } => {
            change::act_on_machines(session, act, "snapshot", Some(name)).await?
        }
        Action::Revert { name, act } => change::act_on_machines(session, act, "revert", Some(name)).await?,
        Action::RemoveSnapshot { name, act } => {
            change::act_on_machines(session, act, "remove-snapshot", Some(name)).await?
        }
        Action::Extend { by, act } => change::act(session, act, "extend", Some(("by", by))).await?,
    })
}

/// The address in the settings, if they can be read: on another machine there may be none.
fn usual_url(inputs: &Inputs) -> String {
    let Ok(loaded) = Settings::load(inputs) else { return USUAL_URL.to_owned() };
    let server = loaded.settings.server;
    let host = match server.host.as_str() {
        "0.0.0.0" => "127.0.0.1",
        "::" => "::1",
        host => host,
    };
    match host.contains(':') {
        true => format!("http://[{host}]:{}", server.port),
        false => format!("http://{host}:{}", server.port),
    }
}
