//! The part of an inspection that doesn't need Ansible. The other part is tested in `tests/api/inspections/`, with the program.

use std::time::Duration;

use process::{Isolation, Limits};
use tokio::sync::oneshot;

use super::*;
use crate::{
    catalog::{Inspection, MissingFile, Play, Tools},
    inspector::{Inspector, Turn},
    toolchain::Toolchain,
};

/// Inspects content without Ansible: nothing is executed.
async fn inspect(site: &Site, content: &ContentRef, toolchain: &Toolchain) -> Inspection {
    let limits = Limits {
        total: Duration::from_secs(1),
        idle: None,
        grace: Duration::ZERO,
        event_bytes: 0,
        output_bytes: 0,
        memory_bytes: 0,
        processes: 0,
        result_bytes: 0,
    };
    let inspector =
        Inspector { program: "/nowhere".into(), isolation: Isolation::default(), limits, hidden: Vec::new() };
    let (_present, gone) = oneshot::channel();
    let mut turn = Turn { id: "none".to_owned(), own: site.path("own"), gone };
    let tools = Tools { toolchain, inspector: &inspector, turn: &mut turn };
    let inspection = site.catalog().inspect(content, tools, None).await.expect("it is there");
    assert_eq!(inspection.ended, None, "nothing was executed");
    inspection
}

fn without_ansible() -> Toolchain {
    Toolchain::default()
}

/// Files of a bundle with everything that an inspection finds. The API tests inspect the same bundle through Ansible.
macro_rules! rich {
    ($($file:literal),*) => {
        [$(($file, include_str!(concat!("../../../../../tests/fixtures/catalog/rich/", $file)))),*]
    };
}

fn rich_site() -> Site {
    let site = Site::new();
    let files = rich![
        "main.yml",
        "vars/in_vars.yml",
        "more.yml",
        "later.yml",
        "roles/web/tasks/main.yml",
        "stage_00/next.yml"
    ];
    for (file, text) in files {
        site.write(&format!("public/bundles/rich/{file}"), text);
    }
    site.write("public/secrets/there.yml", "s: 1\n");
    site.write("outside/secret.yml", "s: 1\n");
    site
}

fn summary(plays: &[Play]) -> Vec<String> {
    let lines = |play: &Play| {
        let tasks = play.tasks.iter().map(|task| {
            format!("  {}|{}|{}", task.role.as_deref().unwrap_or("-"), task.name, task.tags.join(","))
        });
        let head = format!("{}|{}|{}", play.hosts, play.name, play.tags.join(","));
        std::iter::once(head).chain(tasks).collect::<Vec<_>>()
    };
    plays.iter().flat_map(lines).collect()
}

fn missing(path: &str, referenced_in: &str, dynamic: bool) -> MissingFile {
    MissingFile { path: path.to_owned(), referenced_in: referenced_in.into(), dynamic }
}

fn missing_of_the_rich_bundle() -> [MissingFile; 5] {
    let main = "bundles/rich/main.yml";
    [
        missing("missing.yml", main, false),
        missing("{{ flavour }}.yml", main, true),
        missing("no.yml | neither.yml", main, false),
        missing("../../../outside/secret.yml", main, false),
        missing("../../../secrets/nowhere.yml", "bundles/rich/stage_00/next.yml", false),
    ]
}

#[tokio::test]
async fn without_ansible_the_scan_reports_what_it_can_and_the_problem_says_why() {
    let site = rich_site();
    let inspection = inspect(&site, &bundle("rich"), &without_ansible()).await;
    assert_eq!(
        summary(&inspection.plays),
        [
            "web:!db|first (1) : play|p1,p2",
            "  -|weird : name|blk,one,p1,p2",
            "  -|imported|p1,p2",
            "  -|ansible.builtin.include_tasks|p1,p2",
            "  -|ansible.builtin.include_role|p1,p2",
            "a,b|a,b|",
        ]
    );
    assert_eq!(inspection.missing_vars_files, missing_of_the_rich_bundle());
    let problem = inspection.problem.unwrap();
    assert_eq!(problem, "`ansible-playbook` was not found\nhint: run `rangehand doctor`");
}

#[tokio::test]
async fn roles_and_collections_are_found_where_ansible_finds_them() {
    let site = Site::new();
    let play = "- hosts: all\n  roles: [shared, dotted.role.name, ns.coll.inside]\n  tasks:\n    - ns.coll.act:\n    \
                - other.coll.act:\n    - import_role: {name: configured}\n";
    site.write("local/site.yml", play);
    site.write("env/roles/shared/tasks/main.yml", "");
    site.write("env/roles/dotted.role.name/tasks/main.yml", "");
    site.write("local/collections/ansible_collections/ns/coll/roles/inside/tasks/main.yml", "");
    site.write("home/.ansible/collections/ansible_collections/other/coll/galaxy.yml", "");
    let mut toolchain = without_ansible();
    let environment = &mut toolchain.environment;
    environment.insert("HOME".into(), site.path("home").display().to_string());
    environment.insert("ANSIBLE_ROLES_PATH".into(), format!("/nowhere:{}", site.path("env/roles").display()));
    let inspection = inspect(&site, &playbook("site"), &toolchain).await;
    assert_eq!(inspection.missing_roles, ["configured"]);
    assert!(inspection.missing_collections.is_empty());

    toolchain.environment.remove("ANSIBLE_ROLES_PATH");
    site.write("local/ansible.cfg", "[defaults]\nroles_path = extra\n");
    site.write("local/extra/configured/tasks/main.yml", "");
    let inspection = inspect(&site, &playbook("site"), &toolchain).await;
    assert_eq!(inspection.missing_roles, ["dotted.role.name", "shared"]);
}

#[tokio::test]
async fn an_import_that_goes_round_ends() {
    let site = Site::new();
    site.write("local/a.yml", "- import_playbook: a.yml\n- import_playbook: a.yml\n- hosts: all\n");
    let inspection = inspect(&site, &playbook("a"), &without_ansible()).await;
    assert!(inspection.plays.len() < 2_000);
}

#[tokio::test]
async fn a_file_of_some_gigabytes_is_not_given_to_ansible() {
    let site = Site::new();
    site.write("local/huge.yml", "- hosts: all\n");
    let file = std::fs::File::options().write(true).open(site.path("local/huge.yml")).expect("there");
    file.set_len(3 << 30).expect("sparse");
    // With a program as the toolchain, this would be executed.
    let toolchain =
        Toolchain { bin_dir: Some("/bin".into()), path: "/usr/bin:/bin".into(), ..Toolchain::default() };
    let content = ContentRef::Playbook("huge".parse().expect("a name"));
    let found = inspect(&site, &content, &toolchain).await;
    assert!(found.problem.is_some_and(|problem| problem.contains("larger than")));
    site.write("inventory/huge.yml", "all:\n");
    let file = std::fs::File::options().write(true).open(site.path("inventory/huge.yml")).expect("there");
    file.set_len(3 << 30).expect("sparse");
    let name = "huge".parse().expect("a name");
    let found = site.catalog().resolve_inventory_to_inspect(&name);
    assert!(matches!(found, Err(crate::catalog::Error::NotFound { .. })), "its text is not read: {found:?}");
}
