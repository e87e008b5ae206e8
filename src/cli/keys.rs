//! `rangehand keys`: the keys that encrypt the secrets of jobs and ranges; works while a service runs.

use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
};

use clap::Subcommand;
use engine::{Audit, KeyUse, Keyring, Rotation};

use super::stored;
use crate::settings::Inputs;

/// Subcommands of `rangehand keys`.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(super) enum Action {
    /// List the keys, and the number of jobs and ranges whose secrets each key encrypts
    List,
    /// Add a key, re-encrypt stored secrets with it, and remove keys that are no longer used
    Rotate,
}

/// Lists or rotates the keys, and prints the result.
///
/// # Errors
/// Invalid settings, or a key file or database that cannot be used.
pub(super) fn run(inputs: &Inputs, action: Action, out: &mut dyn Write) -> Result<ExitCode, Box<dyn Error>> {
    stored::with_store(inputs, async |store, settings| {
        let path = settings.secrets.key_file(&settings.paths);
        let keys = Keyring::open_existing(&path)?;
        match action {
            Action::List => {
                writeln!(out, "{}", path.display())?;
                list(&keys.uses(&store).await?, out)?;
                Ok(ExitCode::SUCCESS)
            }
            Action::Rotate => {
                // A change that cannot be written to the audit log is not made.
                let about = path.display().to_string();
                Audit::new(store.clone()).append(stored::command("keys rotate", &about)).await?;
                Ok(print(&keys.rotate(&store).await?, out)?)
            }
        }
    })
}

fn list(uses: &[KeyUse], out: &mut dyn Write) -> io::Result<()> {
    for KeyUse { id, made_at, is_active, jobs, ranges } in uses {
        let made_at = made_at.map_or_else(|| "not in the key file".to_owned(), |time| format!("{time:.0}"));
        let active = if *is_active { "active" } else { "decrypts only" };
        writeln!(out, "{id}  {made_at:20}  {active:10}  jobs: {jobs}  ranges: {ranges}")?;
    }
    Ok(())
}

/// Prints the result; the exit code is a failure if some secrets could not be re-encrypted.
fn print(rotation: &Rotation, out: &mut dyn Write) -> io::Result<ExitCode> {
    writeln!(out, "active key: {}", rotation.active)?;
    writeln!(out, "jobs and ranges re-encrypted: {}", rotation.resealed)?;
    writeln!(
        out,
        "keys removed: {}",
        if rotation.retired.is_empty() { "none".to_owned() } else { rotation.retired.join(", ") }
    )?;
    if rotation.left == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(
        out,
        "jobs and ranges whose secrets cannot be decrypted with any key in this file: {}",
        rotation.left
    )?;
    Ok(ExitCode::FAILURE)
}
