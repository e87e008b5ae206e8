//! Commands that work on the database directly, also while a service uses it. They never create a database: a token in a
//! database that no service uses would be useless, and its owner would not notice.

use std::{
    error::Error,
    io::{self, Write},
};

use jiff::Timestamp;
use model::{AuditDraft, AuditKind};
use secrecy::ExposeSecret;
use store::Store;

use crate::settings::{Inputs, Settings};

/// There is no database.
#[derive(Debug, thiserror::Error)]
#[error(
    "there is no database at `{store}`, and this command never creates one\nhint: start the service once with the same \
     settings. If it is already running, it uses different settings: run this command in its working directory and environment, as \
     `./start.sh token ...` does, or pass its settings file with `--config`; `rangehand doctor` shows `store.url`"
)]
struct NoStore {
    store: String,
}

/// Opens the database from the settings, prints its URL to standard error, runs `work`, and closes the database.
pub(super) fn with_store<T>(
    inputs: &Inputs,
    work: impl AsyncFnOnce(Store, &Settings) -> Result<T, Box<dyn Error>>,
) -> Result<T, Box<dyn Error>> {
    let settings = Settings::load(inputs)?.settings;
    let url = settings.store.url.as_secret().expose_secret().to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let shown = settings.store.url.to_string();
        let store = match Store::open_existing(store::Options { url, max_connections: 1 }).await {
            Err(store::Error::NoStore) => return Err(NoStore { store: shown }.into()),
            opened => opened?,
        };
        writeln!(io::stderr(), "store: {shown}")?;
        let done = work(store.clone(), &settings).await;
        store.close().await;
        done
    })
}

/// The audit entry of a command; its caller is the system user that runs the command.
pub(super) fn command(words: &str, about: &str) -> AuditDraft {
    let user = rustix::process::getuid().as_raw();
    let now = Timestamp::now();
    AuditDraft {
        time: Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now),
        kind: AuditKind::Command,
        caller: format!("uid:{user}"),
        role: "admin".to_owned(),
        via: "cli".to_owned(),
        peer: None,
        forwarded: None,
        request: None,
        method: "CLI".to_owned(),
        route: format!("{words} {about}"),
        job: None,
        status: None,
        intent: None,
    }
}
