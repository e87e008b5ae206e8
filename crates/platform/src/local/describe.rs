//! What the local platform supports.

use std::collections::BTreeMap;

use range::{PlatformRules, document::MachineKind, platform_rules::Template};

use super::{
    check::{Way, missing_for_guests},
    options::Options,
    template::templates,
};
use crate::description::{Capabilities, Description, Missing};

/// What the platform does with these options.
pub(super) fn describe(options: &Options, way: Way) -> Description {
    let mut missing = missing_for_guests(options, way);
    let has_guests = missing.is_empty();
    let templates: BTreeMap<String, Template> =
        templates(options).into_keys().map(|name| (name, Template::default())).collect();
    if has_guests && templates.is_empty() {
        missing.push(no_templates());
    }
    let uplink = way == Way::Root && options.uplink.is_some();
    if !uplink {
        missing.push(no_uplink(way));
    }
    Description {
        rules: PlatformRules {
            kinds: if has_guests { MachineKind::ALL.to_vec() } else { vec![MachineKind::Namespace] },
            templates: Some(templates),
            reaches_machines: true,
            changes_subnets: true,
            snapshots_while_running: false,
            ..options.rules.clone()
        },
        capabilities: Capabilities { snapshots: has_guests, rules: true, uplink },
        subnets_in_use: Vec::new(),
        missing,
    }
}

fn no_templates() -> Missing {
    Missing {
        what: "there are no templates for guests".to_owned(),
        hint: "`rangehand template build debian-12` makes one".to_owned(),
    }
}

/// Why ranges can't be connected to the outside.
fn no_uplink(way: Way) -> Missing {
    let (what, hint) = match way {
        Way::Root => ("no addresses are set for the uplink", "set `platforms.NAME.uplink`"),
        Way::User => ("the uplink requires the rights of root", "run the service as root"),
    };
    Missing { what: what.to_owned(), hint: hint.to_owned() }
}
