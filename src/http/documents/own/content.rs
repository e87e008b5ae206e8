//! `/v1/catalog`.

use super::{Parameter, Reply, Row, json_of, json_reply, query};

const TAG: &str = "catalog";

const BAD_NAME: (u16, &str) = (400, "`bad_name`; `leaves_root`: a link leads out of its root");
const BAD_PARAMETER: (u16, &str) = (422, "`invalid_request`: a parameter that is unknown");
const UNREADABLE: (u16, &str) = (
    422,
    "`invalid_request`: a parameter that is unknown; `inspection_limit`: Ansible used more than it may, and was terminated",
);
const TOO_LONG: (u16, &str) =
    (504, "`inspection_timeout`: Ansible took longer than it may, and was terminated");
const PROJECT: Parameter =
    query("project", r##"{"$ref": "#/components/schemas/ProjectName"}"##, "The project whose content it is");
const ABOUT: &str = "Nothing is cached: the disk is the truth.";
const SLOW: &str = "Asks Ansible, which takes about a second. The inspection is recorded in the audit.";

const LISTED: &[Reply] = &[json_reply("200", "All of them, sorted by name", &[json_of("CatalogPage")])];
const SHOWN: &[Reply] = &[json_reply("200", "What it would do and what it lacks", &[json_of("Content")])];

const fn list(path: &'static str, operation: &'static str, summary: &'static str) -> Row {
    Row::new("GET", path, operation, TAG, summary).about(ABOUT).takes(&[PROJECT]).replies(LISTED).problems(&[
        (400, "`bad_name`: the project has no such name"),
        (404, "`unknown_project`"),
        BAD_PARAMETER,
    ])
}

const fn show(path: &'static str, operation: &'static str, summary: &'static str) -> Row {
    Row::new("GET", path, operation, TAG, summary).about(SLOW).takes(&[PROJECT]).replies(SHOWN)
}

pub(super) const ROWS: &[Row] = &[
    list("/v1/catalog/playbooks", "list_playbooks", "Lists the playbooks."),
    list("/v1/catalog/bundles", "list_bundles", "Lists the bundles."),
    list("/v1/catalog/scenarios", "list_scenarios", "Lists the scenarios."),
    list("/v1/catalog/inventories", "list_inventories", "Lists the inventories."),
    show("/v1/catalog/playbooks/{name}", "show_playbook", "Looks into a playbook.").problems(&[
        BAD_NAME,
        (404, "`unknown_playbook`, `unknown_project`"),
        UNREADABLE,
        TOO_LONG,
    ]),
    show("/v1/catalog/bundles/{name}", "show_bundle", "Looks into a bundle.").problems(&[
        BAD_NAME,
        (404, "`unknown_bundle`, `unknown_project`"),
        UNREADABLE,
        TOO_LONG,
    ]),
    show("/v1/catalog/scenarios/{name}", "show_scenario", "Looks into a scenario.").problems(&[
        BAD_NAME,
        (404, "`unknown_scenario`, `unknown_project`"),
        UNREADABLE,
        TOO_LONG,
    ]),
    Row::new("GET", "/v1/catalog/inventories/{name}", "show_inventory", TAG, "Looks into an inventory.")
        .about("Asks Ansible. A program is executed for this only if a setting names it and the caller may run playbooks.")
        .takes(&[PROJECT])
        .replies(&[json_reply("200", "Its groups and hosts, never a variable", &[json_of("Inventory")])])
        .problems(&[BAD_NAME, (404, "`unknown_inventory`, `unknown_project`"), UNREADABLE, TOO_LONG]),
];
