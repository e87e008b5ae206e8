//! Platforms: which of them work here, in which way, and what is missing.

use std::time::Duration;

use platform::{
    Missing, Platform as _,
    local::{self, Options, Way},
    proxmox::Proxmox,
};
use tokio::{task::spawn_blocking, time::timeout};

use super::check::{Check, chain};
use crate::settings::{Loaded, Origin, Platform, PlatformKind, Settings};

const NAME: &str = "platform";
/// How long the trial of namespaces may take.
const TRIAL_LIMIT: Duration = Duration::from_secs(10);

/// Checks every platform. Creates nothing that stays.
pub(super) async fn check(loaded: &Loaded) -> Vec<Check> {
    let settings = &loaded.settings;
    let mut checks = Vec::new();
    let mut trial = None;
    for (name, platform) in &settings.platforms {
        checks.push(match platform.kind {
            _ if !platform.enabled => Check::ok(NAME, format!("`{name}`: is disabled")),
            Some(PlatformKind::Local) => {
                if trial.is_none() {
                    trial = Some(try_ways().await);
                }
                let is_set = *loaded.origins.of(&format!("platforms.{name}.kind")) != Origin::Default;
                local(name, &settings.local_options(name, platform, None), trial.as_ref(), is_set)
            }
            Some(PlatformKind::Proxmox) => proxmox(name, settings, platform).await,
            Some(PlatformKind::Simulated) | None => simulated(name, settings, platform),
        });
    }
    checks
}

/// What is missing for each way; an error if it is not known within the limit.
async fn try_ways() -> Result<Vec<local::Check>, String> {
    match timeout(TRIAL_LIMIT, spawn_blocking(local::check)).await {
        Ok(Ok(checks)) => Ok(checks),
        Ok(Err(error)) => Err(chain(&error)),
        Err(_) => Err(format!("namespaces can't be created within {} s", TRIAL_LIMIT.as_secs())),
    }
}

fn local(
    name: &str,
    options: &Options,
    trial: Option<&Result<Vec<local::Check>, String>>,
    is_set: bool,
) -> Check {
    let fail = |what: String, hint: String| {
        // Without a setting, the service may never use it.
        let hint = format!("{hint}; ranges of the platform `simulated` work without it");
        let detail = format!("`{name}`: {what}");
        if is_set { Check::fail(NAME, detail, hint) } else { Check::warn(NAME, detail, hint) }
    };
    let checks = match trial {
        Some(Ok(checks)) => checks,
        Some(Err(why)) => {
            return fail(why.clone(), "repeat the check when the machine is less busy".to_owned());
        }
        None => return fail("was not tried".to_owned(), "repeat the check".to_owned()),
    };
    match local::usable(checks) {
        Some(Way::Root) => {
            Check::ok(NAME, format!("`{name}`: works as root; {}", guests(options, Way::Root)))
        }
        Some(Way::User) => Check::ok(
            NAME,
            format!(
                "`{name}`: works for this user, in user namespaces: machines of kind `namespace`, without uplink; {}",
                guests(options, Way::User)
            ),
        ),
        None => {
            let missing = checks.iter().flat_map(|check| &check.missing);
            let (whats, hints) = texts(missing);
            fail(format!("does not work: {whats}"), hints)
        }
    }
}

/// Whether there can be guests, and their templates.
fn guests(options: &Options, way: Way) -> String {
    let missing = local::missing_for_guests(options, way);
    if !missing.is_empty() {
        let (whats, hints) = texts(missing.iter());
        return format!("no guests: {whats} ({hints})");
    }
    let templates: Vec<String> = local::templates(options)
        .into_iter()
        .map(
            |(name, path)| if path.exists() { name } else { format!("{name} (missing: {})", path.display()) },
        )
        .collect();
    if templates.is_empty() {
        "no templates for guests (`rangehand template build` makes one)".to_owned()
    } else {
        format!("templates: {}", templates.join(", "))
    }
}

/// Everything that is missing, and everything that helps, each once.
fn texts<'a>(missing: impl Iterator<Item = &'a Missing>) -> (String, String) {
    let (mut whats, mut hints): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for Missing { what, hint } in missing {
        for (list, text) in [(&mut whats, what), (&mut hints, hint)] {
            if !list.contains(&text.as_str()) {
                list.push(text);
            }
        }
    }
    (whats.join("; "), hints.join("; "))
}

/// Whether the cluster answers, its version, its templates, and what the token or the cluster lacks.
async fn proxmox(name: &str, settings: &Settings, platform: &Platform) -> Check {
    let Some(options) = settings.proxmox_options(name, platform) else {
        let what = format!("`{name}`: its settings are incomplete");
        return Check::fail(
            NAME,
            what,
            format!("set `api_host`, `token_id`, and `token_secret` of `platforms.{name}`"),
        );
    };
    let described = match timeout(TRIAL_LIMIT, Proxmox::new(options).describe()).await {
        Ok(Ok(described)) => described,
        Ok(Err(error)) => {
            let text = error.to_string();
            let (what, hint) =
                text.split_once("\nhint: ").unwrap_or((text.as_str(), "check `api_host` and the network"));
            return Check::fail(NAME, format!("`{name}`: {what}"), hint.to_owned());
        }
        Err(_) => {
            let what = format!("`{name}`: does not answer within {} s", TRIAL_LIMIT.as_secs());
            return Check::fail(NAME, what, "check `api_host` and the network".to_owned());
        }
    };
    let version = described.version.unwrap_or_default();
    let templates: Vec<String> = described.rules.templates.unwrap_or_default().into_keys().collect();
    if described.missing.is_empty() {
        return Check::ok(NAME, format!("`{name}`: {version}; templates: {}", templates.join(", ")));
    }
    let missing: Vec<&str> = described.missing.iter().map(|missing| missing.what.as_str()).collect();
    let what = format!("`{name}`: {version}; missing: {}", missing.join(", "));
    Check::warn(
        NAME,
        what,
        "grant the token the privileges, and provide the rest; see docs/platforms.md".to_owned(),
    )
}

fn simulated(name: &str, settings: &Settings, platform: &Platform) -> Check {
    let file = settings.simulated_options(name, platform).file;
    let directory = file.as_deref().and_then(std::path::Path::parent).unwrap_or(&settings.paths.state);
    let check = super::directories::writable(NAME, directory, &format!("platforms.{name}.state_file"));
    match check.status {
        super::Status::Ok => Check::ok(NAME, format!("`{name}`: works; it creates no machines")),
        super::Status::Warn | super::Status::Fail => {
            Check { detail: format!("`{name}`: {}", check.detail), ..check }
        }
    }
}
