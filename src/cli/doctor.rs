//! `rangehand doctor`: the effective settings and the checks, for people or as JSON.

use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
};

use serde::Serialize;

use crate::{
    doctor::{Check, Status, check_all},
    settings::{Inputs, Row, Settings},
};

/// Maximum width of the value column. A longer value shifts only its own origin to the right.
const WIDEST_VALUE: usize = 48;

/// The complete report.
#[derive(Debug, Serialize)]
struct Report {
    ok: bool,
    settings: Vec<Row>,
    checks: Vec<Check>,
}

/// Loads the settings, checks everything, and prints the report.
///
/// # Errors
/// When the settings are invalid, or the output cannot be written.
pub(super) fn run(inputs: &Inputs, json: bool, out: &mut dyn Write) -> Result<ExitCode, Box<dyn Error>> {
    let loaded = Settings::load(inputs)?;
    let toolchain = loaded.settings.toolchain(&inputs.environment);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let checks = runtime.block_on(check_all(&loaded, &toolchain));
    let ok = !checks.iter().any(|check| check.status == Status::Fail);
    let report = Report { ok, settings: loaded.rows(), checks };
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        print(&report, out)?;
    }
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    print_settings(&report.settings, out)?;
    writeln!(out)?;
    print_checks(&report.checks, out)
}

fn print_settings(rows: &[Row], out: &mut dyn Write) -> io::Result<()> {
    let keys = rows.iter().map(|row| row.key.len()).max().unwrap_or(0);
    let values = rows.iter().map(|row| row.text().chars().count()).filter(|width| *width <= WIDEST_VALUE);
    let values = values.max().unwrap_or(0);
    for row in rows {
        writeln!(out, "{:keys$}  {:values$}  {}", row.key, row.text(), row.origin)?;
    }
    Ok(())
}

fn print_checks(checks: &[Check], out: &mut dyn Write) -> io::Result<()> {
    let names = checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
    for Check { name, status, detail, hint } in checks {
        let status = match status {
            Status::Ok => "ok",
            Status::Warn => "warn",
            Status::Fail => "FAIL",
        };
        writeln!(out, "{status:4}  {name:names$}  {detail}")?;
        if let Some(hint) = hint {
            writeln!(out, "      hint: {hint}")?;
        }
    }
    Ok(())
}
