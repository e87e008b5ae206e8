//! What the local platform supports.

use std::collections::BTreeMap;

use range::{PlatformRules, document::MachineKind, platform_rules::Template};

use super::{
    check::{Way, missing_for_guests},
    options::Options,
    template::templates,
};
use crate::description::{Capabilities, Description};

/// What the platform does with these options.
pub(super) fn describe(options: &Options, way: Way) -> Description {
    let has_guests = way == Way::Root && missing_for_guests(options).is_empty();
    let templates: BTreeMap<String, Template> =
        templates(options).into_keys().map(|name| (name, Template::default())).collect();
    Description {
        rules: PlatformRules {
            kinds: if has_guests { MachineKind::ALL.to_vec() } else { vec![MachineKind::Namespace] },
            templates: Some(templates),
            reaches_machines: true,
            changes_subnets: true,
            snapshots_while_running: false,
            ..options.rules.clone()
        },
        capabilities: Capabilities {
            snapshots: has_guests,
            rules: true,
            uplink: way == Way::Root && options.uplink.is_some(),
        },
        ..Description::default()
    }
}
