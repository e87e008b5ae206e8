//! Opens the local platform in the way that works on this machine.

use std::sync::Arc;

use super::{
    check::{Way, check, usable},
    holder::Held,
    options::Options,
    platform::Local,
};
use crate::{error::Error, platform::Platform};

/// The local platform in the way that works here: as root, or for an ordinary user.
///
/// # Errors
/// If neither works: what is missing for each.
pub fn open(options: Options) -> Result<Arc<dyn Platform>, Error> {
    let checks = check();
    match usable(&checks) {
        Some(Way::Root) => Ok(Arc::new(Local::new(options))),
        Some(Way::User) => Ok(Arc::new(Held::new(options))),
        None => {
            let missing = checks.iter().flat_map(|check| &check.missing);
            let hints: Vec<&str> = missing.clone().map(|missing| missing.hint.as_str()).collect();
            let whats: Vec<&str> = missing.map(|missing| missing.what.as_str()).collect();
            let what = format!("the local platform does not work on this machine: {}", whats.join("; "));
            Err(Error::refused_with(what, hints.join("; ")))
        }
    }
}
