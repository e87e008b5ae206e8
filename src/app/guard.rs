//! Creates the access guard and the audit log writer from the settings.

use engine::{AuditWriter, Shutdown, Tokens, Trigger, auditor};
use store::Store;
use tokio::task::JoinHandle;

use super::error::Error;
use crate::{http, http::access::Guard, settings::Settings};

/// A running writer. It outlives the server, because it still records the last requests.
pub(super) struct Auditing {
    writer: JoinHandle<()>,
    trigger: Trigger,
}

/// Creates a guard, and starts its audit log writer.
pub(super) async fn build(
    settings: &Settings,
    store: &Store,
    tokens: Tokens,
) -> Result<(Guard, Auditing), Error> {
    let options = settings.access.options(&settings.limits, &settings.server)?;
    if settings.access.is_none() {
        tracing::warn!(
            server.host = settings.server.host,
            "access mode `none`: every client that can reach this address can run every playbook"
        );
    }
    let (auditor, writer) = auditor(store.clone());
    let guard = Guard::new(options, tokens, auditor, http::endpoints()).await?;
    Ok((guard, Auditing::begin(writer)))
}

impl Auditing {
    fn begin(writer: AuditWriter) -> Self {
        let (trigger, shutdown): (Trigger, Shutdown) = engine::shutdown();
        Self { writer: tokio::spawn(writer.run(shutdown)), trigger }
    }

    /// Waits until all queued entries are written.
    pub(super) async fn end(self) {
        self.trigger.pull();
        if let Err(error) = self.writer.await {
            tracing::error!(%error, "the audit log writer failed");
        }
    }
}
