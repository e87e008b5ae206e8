//! `rangehand keys`: the keys that seal the secrets of jobs; works beside a running service.

use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
};

use clap::Subcommand;
use engine::{KeyUse, Keyring, Rotation};
use secrecy::ExposeSecret;
use store::Store;

use crate::settings::{Inputs, Settings};

/// What is done with them.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(super) enum Action {
    /// List the keys, and how many jobs have secrets under each
    List,
    /// Add a key, seal what waits with it, and remove the keys that nothing is left under
    Rotate,
}

/// Lists or rotates; prints what there is or what was done.
///
/// # Errors
/// Settings that are refused; a key file or a store that cannot be used.
pub(super) fn run(inputs: &Inputs, action: Action, out: &mut dyn Write) -> Result<ExitCode, Box<dyn Error>> {
    let settings = Settings::load(inputs)?.settings;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let path = settings.secrets.key_file(&settings.paths);
        let keys = Keyring::open(&path)?;
        let url = settings.store.url.as_secret().expose_secret().to_owned();
        let store = Store::open(store::Options { url, max_connections: 1 }).await?;
        let code = match action {
            Action::List => {
                writeln!(out, "{}", path.display())?;
                list(&keys.uses(&store).await?, out)?;
                ExitCode::SUCCESS
            }
            Action::Rotate => tell(&keys.rotate(&store).await?, out)?,
        };
        store.close().await;
        Ok(code)
    })
}

fn list(uses: &[KeyUse], out: &mut dyn Write) -> io::Result<()> {
    for KeyUse { id, made_at, is_active, jobs } in uses {
        let made_at = made_at.map_or_else(|| "not in the key file".to_owned(), |time| format!("{time:.0}"));
        let active = if *is_active { "active" } else { "opens only" };
        writeln!(out, "{id}  {made_at:20}  {active:10}  jobs: {jobs}")?;
    }
    Ok(())
}

/// A failure when something could not be sealed anew.
fn tell(rotation: &Rotation, out: &mut dyn Write) -> io::Result<ExitCode> {
    writeln!(out, "active key: {}", rotation.active)?;
    writeln!(out, "jobs sealed anew: {}", rotation.resealed)?;
    writeln!(
        out,
        "keys removed: {}",
        if rotation.retired.is_empty() { "none".to_owned() } else { rotation.retired.join(", ") }
    )?;
    if rotation.left == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "jobs whose secrets do not open with any key of this file: {}", rotation.left)?;
    Ok(ExitCode::FAILURE)
}
