//! Hearing of what other processes do: PostgreSQL tells everybody who listens which job was written to.
//!
//! What was written stands in the tables; the word comes after it is there. Words can be lost with the connection,
//! so whoever waits for one also looks again from time to time.

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

/// What was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// This job was stored, moved, written to or deleted.
    Job(JobId),
    /// Words may have been missed: look at everything.
    Reconnected,
}

/// Hears of every job that any process writes to, this one included.
#[derive(Debug)]
pub struct Listener {
    address: Address,
    /// `None` while the connection is lost.
    listener: Option<PgListener>,
}

impl Store {
    /// Listens from now on, over a connection of its own. `None` on SQLite, whose writers cannot be heard.
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
    pub async fn next(&mut self) -> Heard {
        loop {
            let Some(listener) = &mut self.listener else {
                match connect(&self.address).await {
                    Ok(listener) => {
                        self.listener = Some(listener);
                        return Heard::Reconnected;
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
                    // Anything else is not of ours.
                    if let Ok(job) = word.payload().parse() {
                        return Heard::Job(job);
                    }
                }
                Ok(None) | Err(_) => self.listener = None,
            }
        }
    }
}

async fn connect(address: &Address) -> Result<PgListener, Error> {
    let mut listener = PgListener::connect(&address.0).await?;
    // We connect again ourselves: it would lose the news that it did when the wait for it is given up.
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    Ok(listener)
}
