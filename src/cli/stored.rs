//! Commands that work on the store itself, also while a service uses it. They never create one: a token in a store that no
//! service uses would be of no use, and its caller would not know.

use std::{
    error::Error,
    io::{self, Write},
};

use jiff::Timestamp;
use model::{AuditDraft, AuditKind};
use secrecy::ExposeSecret;
use store::Store;

use crate::settings::{Inputs, Settings};

/// Why a command has no store to work on.
#[derive(Debug, thiserror::Error)]
#[error(
    "there is no store at `{store}`, and this command never creates one\nhint: start the service once with the same \
     settings. If it has started, its settings are others: run this in its working directory and environment, as \
     `./start.sh token ...` does, or name its file with `--config`; `rangehand doctor` shows `store.url`"
)]
struct NoStore {
    store: String,
}

/// Opens the store of the settings, prints which one it is on standard error, does something with it, and closes it.
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

/// The audit record of a command; its caller is the system's user that runs it.
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
