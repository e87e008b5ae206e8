//! Opens the local platform in the way that works here, and says what it does.

use std::{collections::BTreeMap, sync::Arc};

use range::{PlatformRules, document::MachineKind, platform_rules::Template};

use super::{
    check::{Way, check, usable},
    holder::Held,
    options::Options,
    platform::Local,
};
use crate::{
    description::{Capabilities, Description},
    error::Error,
    platform::Platform,
};

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

/// What the platform does with these options.
pub(super) fn describe(options: &Options, way: Way) -> Description {
    let has_guests = way == Way::Root && !options.templates.is_empty();
    let templates: BTreeMap<String, Template> =
        options.templates.keys().map(|name| (name.clone(), Template::default())).collect();
    Description {
        rules: PlatformRules {
            name: "local".to_owned(),
            kinds: if has_guests { MachineKind::ALL.to_vec() } else { vec![MachineKind::Namespace] },
            templates: Some(templates),
            reaches_machines: true,
            changes_subnets: true,
            ..PlatformRules::default()
        },
        capabilities: Capabilities {
            snapshots: has_guests,
            rules: true,
            uplink: way == Way::Root && options.uplink.is_some(),
        },
        subnets_in_use: Vec::new(),
    }
}
