//! `/v1/catalog`.

use super::{Reply, Row, json_of, json_reply};

const TAG: &str = "catalog";

const BAD_NAME: (u16, &str) = (400, "`bad_name`; `leaves_root`: a link leads out of its root");
const NO_PARAMETERS: (u16, &str) = (422, "`invalid_request`: a parameter, of which there are none");
const ABOUT: &str = "Nothing is cached: the disk is the truth.";
const SLOW: &str = "Asks Ansible, which takes about a second.";

const LISTED: &[Reply] = &[json_reply("200", "All of them, sorted by name", &[json_of("CatalogPage")])];
const SHOWN: &[Reply] = &[json_reply("200", "What it would do and what it lacks", &[json_of("Content")])];

const fn list(path: &'static str, operation: &'static str, summary: &'static str) -> Row {
    Row::new("GET", path, operation, TAG, summary).about(ABOUT).replies(LISTED).problems(&[NO_PARAMETERS])
}

const fn show(path: &'static str, operation: &'static str, summary: &'static str) -> Row {
    Row::new("GET", path, operation, TAG, summary).about(SLOW).replies(SHOWN)
}

pub(super) const ROWS: &[Row] = &[
    list("/v1/catalog/playbooks", "list_playbooks", "Lists the playbooks."),
    list("/v1/catalog/bundles", "list_bundles", "Lists the bundles."),
    list("/v1/catalog/scenarios", "list_scenarios", "Lists the scenarios."),
    list("/v1/catalog/inventories", "list_inventories", "Lists the inventories."),
    show("/v1/catalog/playbooks/{name}", "show_playbook", "Looks into a playbook.").problems(&[
        BAD_NAME,
        (404, "`unknown_playbook`"),
        NO_PARAMETERS,
    ]),
    show("/v1/catalog/bundles/{name}", "show_bundle", "Looks into a bundle.").problems(&[
        BAD_NAME,
        (404, "`unknown_bundle`"),
        NO_PARAMETERS,
    ]),
    show("/v1/catalog/scenarios/{name}", "show_scenario", "Looks into a scenario.").problems(&[
        BAD_NAME,
        (404, "`unknown_scenario`"),
        NO_PARAMETERS,
    ]),
    Row::new("GET", "/v1/catalog/inventories/{name}", "show_inventory", TAG, "Looks into an inventory.")
        .about("Asks Ansible; an executable inventory is run for this.")
        .replies(&[json_reply("200", "Its groups and hosts, never a variable", &[json_of("Inventory")])])
        .problems(&[BAD_NAME, (404, "`unknown_inventory`"), NO_PARAMETERS]),
];
