//! `rangehand audit`: reads the audit log, and verifies its hash chain.

use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
};

use clap::Subcommand;
use engine::{Audit, AuditHead, AuditQuery, Chain};
use model::{AuditRecord, JobId};
use serde_json::json;

use super::stored;
use crate::settings::Inputs;

/// Subcommands of `rangehand audit`.
#[derive(Debug, Subcommand)]
pub(super) enum What {
    /// Verify that no entry was changed, deleted, or reordered; the exit code is 1 otherwise
    Verify {
        /// An entry that you noted earlier, as printed by `verify`; a rewritten chain does not contain it
        #[arg(long, value_name = "NUMBER:HASH", value_parser = head)]
        known: Option<AuditHead>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List entries
    List {
        /// Only entries with higher numbers
        #[arg(long, default_value_t = 0)]
        after: u64,
        /// Maximum number of entries
        #[arg(long, default_value_t = 1000)]
        limit: u32,
        /// Only entries of this caller
        #[arg(long)]
        caller: Option<String>,
        /// Only entries about this job
        #[arg(long)]
        job: Option<JobId>,
        /// Print JSON, one entry per line
        #[arg(long)]
        json: bool,
    },
}

/// Runs the subcommand.
///
/// # Errors
/// Invalid settings, or a database failure.
pub(super) fn run(inputs: &Inputs, what: What, out: &mut dyn Write) -> Result<ExitCode, Box<dyn Error>> {
    stored::with_store(inputs, async |store, _| {
        let audit = Audit::new(store);
        match what {
            What::Verify { known, json } => {
                let chain = audit.verify(known.as_ref()).await?;
                verified(&chain, audit.base().await?.seq, json, out)
            }
            What::List { after, limit, caller, job, json } => {
                let query = AuditQuery { after, limit, caller, job };
                for record in audit.list(&query).await? {
                    show(&record, json, out)?;
                }
                Ok(ExitCode::SUCCESS)
            }
        }
    })
}

fn verified(
    chain: &Chain,
    removed: u64,
    json: bool,
    out: &mut dyn Write,
) -> Result<ExitCode, Box<dyn Error>> {
    if removed > 0 && !json {
        writeln!(out, "deleted by the retention policy (`history.keep_audit_*`): up to entry {removed}")?;
    }
    match chain {
        Chain::Intact(AuditHead { seq, hash }) if json => {
            writeln!(out, "{}", json!({ "intact": true, "records": seq, "hash": hash, "removed": removed }))?;
        }
        Chain::Intact(AuditHead { seq, hash }) => writeln!(out, "intact up to entry {seq}:{hash}")?,
        Chain::Broken { at, why } if json => {
            writeln!(out, "{}", json!({ "intact": false, "broken_at": at, "why": why, "removed": removed }))?;
        }
        Chain::Broken { at, why } => writeln!(out, "broken at entry {at}: {why}")?,
    }
    let is_intact = matches!(chain, Chain::Intact(_));
    Ok(if is_intact { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show(record: &AuditRecord, json: bool, out: &mut dyn Write) -> io::Result<()> {
    if json {
        return writeln!(out, "{}", json!(record));
    }
    let AuditRecord { seq, draft, .. } = record;
    let from = draft.forwarded.as_ref().or(draft.peer.as_ref()).map_or("-", String::as_str);
    let status = draft.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    let job = draft.job.map_or_else(|| "-".to_owned(), |job| job.to_string());
    let (time, kind, caller, role, via) = (draft.time, draft.kind, &draft.caller, &draft.role, &draft.via);
    let (method, route) = (&draft.method, &draft.route);
    writeln!(
        out,
        "{seq}  {time:.3}  {kind:7}  {}  {role}  {via}  {from}  {method} {route}  {job}  {status}",
        caller.escape_debug()
    )
}

fn head(text: &str) -> Result<AuditHead, String> {
    let parts = text.split_once(':').and_then(|(seq, hash)| Some((seq.parse().ok()?, hash)));
    match parts {
        Some((seq, hash)) if hash.len() == 64 => Ok(AuditHead { seq, hash: hash.to_owned() }),
        _ => Err("use NUMBER:HASH as printed by `rangehand audit verify`".to_owned()),
    }
}
