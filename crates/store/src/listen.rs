//! Notifications from other processes: PostgreSQL notifies all listeners which job was changed.
//!
//! The data is in the tables before its notification is sent. Notifications can be lost with the connection,
//! so every waiter also polls from time to time.

use std::time::Duration;

use model::JobId;
use sqlx::postgres::PgListener;
use tokio::time::sleep;

use crate::{
    Error, Store,
    channel::{Address, CHANNEL},
};

/// How long to wait before connecting again when the database does not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// A notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notification {
    /// This job was stored, moved, written to or deleted.
    Job(JobId),
    /// Notifications may have been lost: read everything again.
    Reconnected,
}

/// Receives a notification for every job that any process changes, including this one.
#[derive(Debug)]
pub struct Listener {
    address: Address,
    /// `None` while the connection is lost.
    listener: Option<PgListener>,
}

impl Store {
    /// Listens from now on, over its own connection. `None` on SQLite, which has no notifications.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn listen(&self) -> Result<Option<Listener>, Error> {
        let Some(address) = self.address.clone() else { return Ok(None) };
        let listener = Some(connect(&address).await?);
        Ok(Some(Listener { address, listener }))
    }
}

impl Listener {
    /// The next word. While the connection is lost it waits until there is one again. Giving up the wait loses
    /// nothing.
    pub async fn next(&mut self) -> Notification {
        loop {
            let Some(listener) = &mut self.listener else {
                match connect(&self.address).await {
                    Ok(listener) => {
                        self.listener = Some(listener);
                        return Notification::Reconnected;
                    }
                    Err(error) => {
                        let error = &error as &(dyn std::error::Error + Send + Sync);
                        tracing::warn!(error, "the database cannot be listened to; trying again");
                        sleep(PAUSE).await;
                        continue;
                    }
                }
            };
            match listener.try_recv().await {
                Ok(Some(word)) => {
                    // Any other payload is not from Rangehand.
                    if let Ok(job) = word.payload().parse() {
                        return Notification::Job(job);
                    }
                }
                Ok(None) | Err(_) => self.listener = None,
            }
        }
    }
}

async fn connect(address: &Address) -> Result<PgListener, Error> {
    let mut listener = PgListener::connect(&address.0).await?;
    // Reconnecting is done here: sqlx would lose the information that it reconnected if the wait is canceled.
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    Ok(listener)
}
