//! One test for the cases of a file and a site. Long ones are split, so that they run in parallel.

use std::{collections::BTreeMap, thread};

use crate::{
    case,
    replay::{Selection, replay},
};

macro_rules! tests {
    ($($name:ident: $file:literal at $site:literal $(, part $part:literal of $of:literal)?
        $(, inventory $inventory:literal)?;)*) => {
        /// What the tests cover.
        const SELECTIONS: &[Selection] = &[
            $(Selection::new($file, $site)$(.part($part, $of))?$(.inventory($inventory))?,)*
        ];

        $(
            #[test]
            fn $name() {
                replay(Selection::new($file, $site)$(.part($part, $of))?$(.inventory($inventory))?);
            }
        )*
    };
}

tests! {
    cases_422: "422" at "real";
    cases_bundles: "bundles" at "real";
    cases_bundles_stub_0: "bundles" at "stub", part 0 of 2;
    cases_bundles_stub_1: "bundles" at "stub", part 1 of 2;
    cases_coerce_stub: "coerce" at "stub";
    cases_config: "config" at "real";
    cases_debug: "debug" at "real";
    cases_firewall_0: "firewall" at "real", part 0 of 2;
    cases_firewall_1: "firewall" at "real", part 1 of 2;
    cases_http: "http" at "real";
    cases_mass: "mass" at "real";
    cases_network: "network" at "real";
    cases_run: "run" at "real";
    cases_run_stub: "run" at "stub";
    cases_setup_no_inventory_directory: "setup" at "no-inventory-dir";
    cases_setup_no_playbooks: "setup" at "no-playbooks";
    cases_setup_no_project_root: "setup" at "no-project-root";
    cases_setup_no_public_directory: "setup" at "no-public-dir";
    cases_setup_no_public_setting: "setup" at "no-public-setting";
    cases_setup_other_host: "setup" at "other-host";
    cases_snapshot: "snapshot" at "real";
    cases_storage: "storage" at "real";
    cases_vms_0: "vms" at "real", part 0 of 2;
    cases_vms_1: "vms" at "real", part 1 of 2;
    // The same replies, and every request once, if two hosts of the group represent the node.
    two_hosts_config: "config" at "real", inventory "two-hosts.yml";
    two_hosts_firewall_0: "firewall" at "real", part 0 of 2, inventory "two-hosts.yml";
    two_hosts_firewall_1: "firewall" at "real", part 1 of 2, inventory "two-hosts.yml";
    two_hosts_mass: "mass" at "real", inventory "two-hosts.yml";
    two_hosts_network: "network" at "real", inventory "two-hosts.yml";
    two_hosts_snapshot: "snapshot" at "real", inventory "two-hosts.yml";
    two_hosts_storage: "storage" at "real", inventory "two-hosts.yml";
    two_hosts_vms_0: "vms" at "real", part 0 of 2, inventory "two-hosts.yml";
    two_hosts_vms_1: "vms" at "real", part 1 of 2, inventory "two-hosts.yml";
    cases_ws_empty_inventory: "ws" at "ws-empty";
    cases_ws_no_group: "ws" at "ws-no-group";
    cases_ws_vault: "ws" at "ws-vault";
}

/// These wait most of their time for frames that must not come: they wait together.
const WS_LANES: usize = 5;

#[test]
fn cases_ws() {
    let lanes = (0..WS_LANES)
        .map(|part| thread::spawn(move || replay(Selection::new("ws", "real").part(part, WS_LANES))));
    let lanes: Vec<_> = lanes.collect();
    let ended: Vec<_> = lanes.into_iter().map(thread::JoinHandle::join).collect();
    assert!(ended.iter().all(Result::is_ok), "see above");
}

#[test]
fn every_recorded_case_is_in_one_test() {
    let mut covered: BTreeMap<(&str, &str), Vec<(usize, usize)>> = BTreeMap::new();
    for Selection { file, site, part, of, .. } in SELECTIONS.iter().filter(|it| it.inventory.is_none()) {
        covered.entry((file, site)).or_default().push((*part, *of));
    }
    covered.insert(("ws", "real"), vec![(0, 1)]);
    for file in case::files() {
        for case in case::load(&file, "127.0.0.1:1") {
            let parts = covered.get(&(file.as_str(), case.site.as_str()));
            let parts = parts.unwrap_or_else(|| panic!("no test has the cases of {file} at {}", case.site));
            let whole = (0..parts.len()).map(|part| (part, parts.len())).collect::<Vec<_>>();
            assert_eq!(*parts, whole, "{file} at {}", case.site);
        }
    }
}
