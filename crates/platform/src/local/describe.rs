//! What the local platform supports.

use std::collections::BTreeMap;

use range::{
    PlatformRules,
    document::MachineKind,
    plan::StepKind,
    platform_rules::{Durations, Template},
};

use super::{
    check::{Way, missing_for_guests},
    options::Options,
    template::templates,
};
use crate::description::{Capabilities, Description, Missing};

/// How long steps take on a usual machine, in milliseconds: with machines of kind `namespace`, and with guests.
const DURATIONS: [(StepKind, u64, u64); 11] = [
    (StepKind::NetworkEnsure, 10, 10),
    (StepKind::NetworkRemove, 20, 20),
    (StepKind::MachineEnsure, 20, 100),
    (StepKind::MachineStart, 100, 300),
    (StepKind::MachineStop, 200, 2_000),
    (StepKind::MachineWait, 100, 4_000),
    (StepKind::MachineRemove, 50, 500),
    (StepKind::RulesEnsure, 30, 30),
    (StepKind::SnapshotTake, 500, 500),
    (StepKind::SnapshotRevert, 500, 500),
    (StepKind::SnapshotRemove, 200, 200),
];

fn durations<'a>(templates: impl Iterator<Item = &'a String> + Clone) -> Durations {
    let by_template = |(kind, namespace, guest)| {
        let guests = templates.clone().map(|name| (name.clone(), guest));
        (kind, guests.chain([(String::new(), namespace)]).collect())
    };
    DURATIONS.into_iter().map(by_template).collect()
}

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
            reaches_machines: true,
            changes_subnets: true,
            snapshots_while_running: false,
            durations: durations(templates.keys()),
            templates: Some(templates),
            ..options.rules.clone()
        },
        capabilities: Capabilities { snapshots: has_guests, rules: !options.rules_by_playbook, uplink },
        subnets_in_use: Vec::new(),
        missing,
        version: None,
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
