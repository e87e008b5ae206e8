//! Checks that the database can be opened.

use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::time::timeout;

use super::check::{Check, chain};
use crate::settings;

const NAME: &str = "store";

/// Connecting to a database is retried, in case it is just starting; five seconds of retries are enough for a check.
const OPEN_LIMIT: Duration = Duration::from_secs(5);

/// Opens the database and closes it again. A database that does not exist yet is not created.
pub(super) async fn check(settings: &settings::Store) -> Check {
    let shown = settings.url.to_string();
    let options =
        store::Options { url: settings.url.as_secret().expose_secret().to_owned(), max_connections: 1 };
    let hint = "correct `store.url`, start the database, or grant the service's user access to it";
    match timeout(OPEN_LIMIT, store::Store::open_existing(options)).await {
        Ok(Ok(_)) => Check::ok(NAME, shown),
        Ok(Err(store::Error::NoStore)) => Check::ok(NAME, format!("{shown} (will be created)")),
        Ok(Err(error)) => Check::fail(NAME, format!("`{shown}` does not open: {}", chain(&error)), hint),
        Err(_) => {
            let limit = OPEN_LIMIT.as_secs();
            Check::fail(NAME, format!("`{shown}` does not respond within {limit} seconds"), hint)
        }
    }
}
