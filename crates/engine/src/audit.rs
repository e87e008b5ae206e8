//! The audit log of requests that change something: one writer per process, many senders.
//!
//! A caller that is about to change something waits until its intent is stored. Results are queued, and the caller
//! does not wait for them. The writer stores everything that arrived meanwhile in one transaction, so that many
//! concurrent callers cost few commits. Results alone wait briefly for an intent to share a transaction with:
//! claiming a job that was just accepted must not wait for their commit.

use std::{mem, time::Duration};

use model::{AuditDraft, AuditRecord};
use store::{AuditHead, AuditQuery, Chain, Store};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
    time::{Instant, sleep, sleep_until, timeout},
};

use crate::Shutdown;

/// Capacity of the channel to the writer; when it is full, senders wait.
const CHANNEL_CAPACITY: usize = 256;
/// Maximum number of entries in one transaction.
const BATCH: usize = 64;
/// Maximum number of results that are kept while the store does not respond.
const MAX_KEPT: usize = 10_000;
/// Delay before results are written again after a failure.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How long results wait for an intent to share a transaction with.
const LINGER: Duration = Duration::from_millis(20);
/// Timeout for storing an intent.
const INTENT_TIMEOUT: Duration = Duration::from_secs(10);

/// The intent was not stored, so nothing may be changed.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The store failed.
    #[error("the audit cannot be written: {0}")]
    Store(String),
    /// The store did not answer in time, or the service stops.
    #[error("the audit was not written in time")]
    Late,
}

/// An entry in the channel, with the sender that returns its number to the caller.
struct Entry {
    draft: AuditDraft,
    answer: Option<oneshot::Sender<Result<u64, AuditError>>>,
}

/// Sends entries to the writer; clones are cheap.
#[derive(Debug, Clone)]
pub struct Auditor(mpsc::Sender<Entry>);

impl Entry {
    const fn is_waited_for(&self) -> bool {
        self.answer.is_some()
    }
}

/// Waits until `time`, or indefinitely without one.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.draft.fmt(f)
    }
}

impl Auditor {
    /// Stores an entry and returns its number.
    ///
    /// # Errors
    /// When the entry is not confirmed as stored.
    pub async fn store(&self, draft: AuditDraft) -> Result<u64, AuditError> {
        let (answer, answered) = oneshot::channel();
        let stored = async {
            let entry = Entry { draft, answer: Some(answer) };
            self.0.send(entry).await.map_err(|_| AuditError::Late)?;
            answered.await.map_err(|_| AuditError::Late)?
        };
        timeout(INTENT_TIMEOUT, stored).await.map_err(|_| AuditError::Late)?
    }

    /// Queues an entry without blocking the caller.
    pub fn hand_over(&self, draft: AuditDraft) {
        let entry = Entry { draft, answer: None };
        if let Err(mpsc::error::TrySendError::Full(entry)) = self.0.try_send(entry) {
            let sender = self.0.clone();
            // A server that is shutting down may have no runtime anymore.
            match Handle::try_current() {
                // Sending fails only when the writer has ended, and then the entry can't be reported anywhere.
                Ok(runtime) => drop(runtime.spawn(async move { sender.send(entry).await.is_ok() })),
                Err(_) => tracing::error!(audit.record = ?entry, "a result is missing in the audit"),
            }
        }
    }
}

/// Writes the entries that are sent to it.
#[derive(Debug)]
pub struct AuditWriter {
    store: Store,
    receiver: mpsc::Receiver<Entry>,
    /// Results that the store has not accepted yet.
    kept: Vec<AuditDraft>,
}

/// Creates a writer for this store, and the handle that sends entries to it.
#[must_use]
pub fn auditor(store: Store) -> (Auditor, AuditWriter) {
    let (sender, receiver) = mpsc::channel(CHANNEL_CAPACITY);
    (Auditor(sender), AuditWriter { store, receiver, kept: Vec::new() })
}

impl AuditWriter {
    /// Writes until the shutdown is requested, then writes the entries that were sent before.
    pub async fn run(mut self, mut shutdown: Shutdown) {
        let mut entries = Vec::with_capacity(BATCH);
        let mut write_at = None;
        loop {
            let room = BATCH - entries.len();
            let is_time = tokio::select! {
                biased;
                count = self.receiver.recv_many(&mut entries, room) => {
                    if count == 0 {
                        break;
                    }
                    count == room || entries.iter().any(Entry::is_waited_for)
                }
                () = shutdown.requested(), if !self.receiver.is_closed() => {
                    self.receiver.close();
                    false
                }
                () = at(write_at) => true,
                () = sleep(RETRY_AFTER), if entries.is_empty() && !self.kept.is_empty() => true,
            };
            if is_time {
                self.write(mem::take(&mut entries)).await;
                write_at = None;
            } else if !entries.is_empty() {
                write_at = write_at.or(Some(Instant::now() + LINGER));
            }
        }
        self.write(entries).await;
        if !self.kept.is_empty() {
            tracing::error!(records = self.kept.len(), "results are missing in the audit");
        }
    }

    async fn write(&mut self, entries: Vec<Entry>) {
        let mut drafts = mem::take(&mut self.kept);
        let kept = drafts.len();
        let mut answers = Vec::with_capacity(entries.len());
        for entry in entries {
            drafts.push(entry.draft);
            answers.push(entry.answer);
        }
        if drafts.is_empty() {
            return;
        }
        match self.store.append_audit(&drafts).await {
            Ok(first) => {
                for (seq, answer) in (first + kept as u64..).zip(answers) {
                    // Sending fails when the caller no longer waits, which is fine: the entry is stored.
                    answer.map(|answer| answer.send(Ok(seq)));
                }
            }
            Err(error) => self.failed(drafts, kept, answers, &error),
        }
    }

    /// Reports the failure to the callers that wait, and keeps the results for another attempt.
    fn failed(
        &mut self,
        drafts: Vec<AuditDraft>,
        kept: usize,
        answers: Vec<Option<oneshot::Sender<Result<u64, AuditError>>>>,
        error: &store::Error,
    ) {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        tracing::error!(error = text, records = drafts.len(), "the audit cannot be written");
        let waiting = std::iter::repeat_with(|| None).take(kept).chain(answers);
        for (draft, answer) in drafts.into_iter().zip(waiting) {
            match answer {
                Some(answer) => drop(answer.send(Err(AuditError::Store(text.clone())))),
                None if self.kept.len() < MAX_KEPT => self.kept.push(draft),
                None => tracing::error!(audit.record = ?draft, "a result is missing in the audit"),
            }
        }
    }
}

/// Reads the audit log, and appends the entries of commands.
#[derive(Debug, Clone)]
pub struct Audit(Store);

impl Audit {
    /// The audit log of this store.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self(store)
    }

    /// Stores one entry.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn append(&self, draft: AuditDraft) -> Result<u64, store::Error> {
        self.0.append_audit(&[draft]).await
    }

    /// The entries that match, in order.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>, store::Error> {
        self.0.audit(query).await
    }

    /// The last entry that was removed by retention; number 0 when none was.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn base(&self) -> Result<AuditHead, store::Error> {
        self.0.audit_base().await
    }

    /// Verifies the hash chain from its beginning.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn verify(&self, known: Option<&AuditHead>) -> Result<Chain, store::Error> {
        self.0.verify_audit(known).await
    }
}
