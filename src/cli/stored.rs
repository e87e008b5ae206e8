//! Commands that work on the store itself, beside whatever service does.

use std::error::Error;

use jiff::Timestamp;
use model::{AuditDraft, AuditKind};
use secrecy::ExposeSecret;
use store::Store;

use crate::settings::{Inputs, Settings};

/// Opens the store of the settings, does something with it, and closes it.
pub(super) fn with_store<T>(
    inputs: &Inputs,
    work: impl AsyncFnOnce(Store) -> Result<T, Box<dyn Error>>,
) -> Result<T, Box<dyn Error>> {
    let settings = Settings::load(inputs)?.settings;
    let url = settings.store.url.as_secret().expose_secret().to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open(store::Options { url, max_connections: 1 }).await?;
        let done = work(store.clone()).await;
        store.close().await;
        done
    })
}

/// The record of a command: who is the user that runs it.
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
