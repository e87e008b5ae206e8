//! Checks the access settings.

use super::check::{Check, chain};
use crate::settings::Settings;

const NAME: &str = "access";

pub(super) fn check(settings: &Settings) -> Check {
    let (access, host) = (&settings.access, &settings.server.host);
    match access.options(&settings.limits, &settings.server) {
        Err(error) => {
            let text = chain(&error);
            let (problem, hint) = text.split_once("\nhint: ").unwrap_or((&text, "see docs/security.md"));
            Check::fail(NAME, problem, hint)
        }
        Ok(_) if access.is_none() && access.allow_unauthenticated => {
            let detail =
                format!("mode none on {host}: every client that can reach it can run every playbook");
            Check::warn(NAME, detail, "name `token`, `gateway` or `jwt` in `access.modes`")
        }
        Ok(_) if access.is_none() => Check::ok(NAME, format!("mode none, on {host} only")),
        Ok(_) => Check::ok(NAME, format!("mode {}", access.modes_text())),
    }
}
