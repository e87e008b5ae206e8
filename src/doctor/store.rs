//! Does the store open?

use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::time::timeout;

use super::check::{Check, chain};
use crate::settings;

const NAME: &str = "store";

/// A database that refuses connections is asked again and again, in case it is just starting; five seconds of
/// that are enough to tell.
const OPEN_LIMIT: Duration = Duration::from_secs(5);

/// Opens the store and closes it again. A store that does not exist yet is not created for that.
pub(super) async fn check(settings: &settings::Store) -> Check {
    let shown = settings.url.to_string();
    let options =
        store::Options { url: settings.url.as_secret().expose_secret().to_owned(), max_connections: 1 };
    let hint = "correct `store.url`, start the database, or let the service's user into it";
    match timeout(OPEN_LIMIT, store::Store::open_existing(options)).await {
        Ok(Ok(_)) => Check::ok(NAME, shown),
        Ok(Err(store::Error::NoStore)) => Check::ok(NAME, format!("{shown} (will be made)")),
        Ok(Err(error)) => Check::fail(NAME, format!("`{shown}` does not open: {}", chain(&error)), hint),
        Err(_) => {
            let limit = OPEN_LIMIT.as_secs();
            Check::fail(NAME, format!("`{shown}` does not answer within {limit} seconds"), hint)
        }
    }
}
