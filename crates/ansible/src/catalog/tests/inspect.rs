//! What an inspection tells, with real Ansible.

use std::path::PathBuf;

use super::*;
use crate::{
    Toolchain,
    catalog::{Error, MissingFile, Play},
};

fn toolchain(home: &Path) -> Toolchain {
    let bin_dir =
        std::env::var_os("RANGEHAND_TEST_BIN_DIR").expect("RANGEHAND_TEST_BIN_DIR is not set: run ./test.sh");
    Toolchain {
        bin_dir: Some(PathBuf::from(bin_dir)),
        path: "/usr/bin:/bin".into(),
        environment: [("HOME".to_owned(), home.display().to_string())].into(),
    }
}

fn without_ansible() -> Toolchain {
    Toolchain::default()
}

const MAIN: &str = "\
- name: 'first (1) : play'
  hosts: web:!db
  gather_facts: false
  tags: [p2, p1]
  vars_files:
    - missing.yml
    - ../../secrets/there.yml
    - in_vars.yml
    - '{{ flavour }}.yml'
    - [no.yml, in_vars.yml]
    - [no.yml, neither.yml]
    - ../../../outside/secret.yml
  roles: [web]
  tasks:
    - block:
        - name: 'weird : name'
          ansible.builtin.debug: {msg: x}
          tags: one
      rescue:
        - ansible.builtin.debug: {msg: never listed}
      tags: [blk]
    - ansible.builtin.import_tasks: more.yml
    - ansible.builtin.include_tasks: later.yml
    - ansible.builtin.include_role: {name: not.there.at_all}
- import_playbook: stage_00/next.yml
";

/// A bundle with everything that an inspection looks for.
fn rich_site() -> Site {
    let site = Site::new();
    let bundle = "public/bundles/rich";
    site.write(&format!("{bundle}/main.yml"), MAIN);
    site.write(&format!("{bundle}/vars/in_vars.yml"), "a: 1\n");
    site.write(&format!("{bundle}/more.yml"), "- name: imported\n  ansible.builtin.ping:\n");
    let later = "- community.nowhere.thing:\n- include_role: name=also_missing\n- import_tasks: later.yml\n";
    site.write(&format!("{bundle}/later.yml"), later);
    let web = "- name: in role\n  ansible.builtin.debug: {msg: x}\n  tags: [rt, 'a b']\n";
    site.write(&format!("{bundle}/roles/web/tasks/main.yml"), web);
    let next = "- hosts: [a, b]\n  vars_files: ../../../secrets/nowhere.yml\n  tasks: []\n";
    site.write(&format!("{bundle}/stage_00/next.yml"), next);
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
async fn a_bundle_is_told_by_ansible_and_its_gaps_by_the_scan() {
    let site = rich_site();
    let inspection =
        site.catalog().inspect(&bundle("rich"), &toolchain(&site.path("home")), None).await.unwrap();
    assert_eq!(inspection.problem, None);
    assert_eq!(
        summary(&inspection.plays),
        [
            "web:!db|first (1) : play|p1,p2",
            "  web|in role|a b,p1,p2,rt",
            "  -|weird : name|blk,one,p1,p2",
            "  -|imported|p1,p2",
            "  -|ansible.builtin.include_tasks|p1,p2",
            "  -|ansible.builtin.include_role|p1,p2",
            "a,b|a,b|",
        ]
    );
    assert_eq!(inspection.tags, ["a b", "blk", "one", "p1", "p2", "rt"]);
    assert_eq!(inspection.missing_vars_files, missing_of_the_rich_bundle());
    assert_eq!(inspection.missing_roles, ["also_missing", "not.there.at_all"]);
    assert_eq!(inspection.missing_collections, ["community.nowhere"]);
    assert_eq!(inspection.path, Path::new("bundles/rich/main.yml"));
}

#[tokio::test]
async fn without_ansible_the_scan_tells_what_it_can_and_the_problem_says_why() {
    let site = rich_site();
    let inspection = site.catalog().inspect(&bundle("rich"), &without_ansible(), None).await.unwrap();
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
async fn what_ansible_cannot_list_is_answered_in_its_own_words() {
    let site = Site::with_odd_bundles();
    site.write("public/bundles/norole/main.yml", "- hosts: all\n  roles: [kit.role_that_does_not_exist]\n");
    let toolchain = toolchain(&site.path("home"));
    let catalog = site.catalog();
    let bad = catalog.inspect(&bundle("badyaml"), &toolchain, None).await.unwrap();
    let problem = bad.problem.unwrap();
    assert!(problem.contains("YAML parsing failed"), "{problem}");
    assert!(problem.contains("Origin: bundles/badyaml/main.yml:3:1"), "{problem}");
    assert!(!problem.contains(site.path("").to_str().unwrap()), "{problem}");
    let norole = catalog.inspect(&bundle("norole"), &toolchain, None).await.unwrap();
    assert!(norole.problem.unwrap().contains("kit.role_that_does_not_exist"));
    assert_eq!(norole.missing_roles, ["kit.role_that_does_not_exist"]);
    assert_eq!(summary(&norole.plays), ["all|all|"]);
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
    let inspection = site.catalog().inspect(&playbook("site"), &toolchain, None).await.unwrap();
    assert_eq!(inspection.missing_roles, ["configured"]);
    assert!(inspection.missing_collections.is_empty());

    toolchain.environment.remove("ANSIBLE_ROLES_PATH");
    site.write("local/ansible.cfg", "[defaults]\nroles_path = extra\n");
    site.write("local/extra/configured/tasks/main.yml", "");
    let inspection = site.catalog().inspect(&playbook("site"), &toolchain, None).await.unwrap();
    assert_eq!(inspection.missing_roles, ["dotted.role.name", "shared"]);
}

#[tokio::test]
async fn an_import_that_goes_round_ends() {
    let site = Site::new();
    site.write("local/a.yml", "- import_playbook: a.yml\n- import_playbook: a.yml\n- hosts: all\n");
    let inspection = site.catalog().inspect(&playbook("a"), &without_ansible(), None).await.unwrap();
    assert!(inspection.plays.len() < 2_000);
}

#[tokio::test]
async fn an_inventory_shows_its_names_and_never_a_variable() {
    let site = Site::new();
    let hosts = "all:\n  vars: {token: SECRET}\n  children:\n    web:\n      hosts:\n        w1: {password: SECRET}\n        \
                 w[2:3]:\n    site: {children: {web: {}}}\n";
    site.write("inventory/hosts.yml", hosts);
    site.write("inventory/group_vars/all.yml", "$ANSIBLE_VAULT;1.1;AES256\n6162\n");
    site.write("inventory/broken.ini", "[web]\nh1 password=SECRET and more\n");
    let toolchain = toolchain(&site.path("home"));
    let catalog = site.catalog();
    let good = catalog.inspect_inventory(&name("hosts"), &toolchain, false).await.unwrap();
    assert_eq!(good.problem, None);
    assert_eq!(good.hosts, ["w1", "w2", "w3"]);
    let groups: Vec<_> =
        good.groups.iter().map(|g| (g.name.as_str(), g.hosts.len(), g.children.len())).collect();
    assert_eq!(groups, [("all", 0, 3), ("site", 0, 1), ("ungrouped", 0, 0), ("web", 3, 0)]);
    let broken = catalog.inspect_inventory(&name("broken"), &toolchain, false).await.unwrap();
    let problem = broken.problem.as_deref().unwrap();
    assert!(problem.starts_with("Ansible cannot read it as an inventory: `broken.ini`"), "{problem}");
    for inspection in [good, broken] {
        assert!(!serde_json::to_string(&inspection).unwrap().contains("SECRET"));
    }
}

#[tokio::test]
async fn a_file_of_some_gigabytes_is_not_given_to_ansible() {
    let site = Site::new();
    site.write("local/huge.yml", "- hosts: all\n");
    site.write("inventory/huge.yml", "all:\n");
    for file in ["local/huge.yml", "inventory/huge.yml"] {
        let file = std::fs::File::options().write(true).open(site.path(file)).expect("there");
        file.set_len(3 << 30).expect("sparse");
    }
    let content = ContentRef::Playbook("huge".parse().expect("a name"));
    let found = site.catalog().inspect(&content, &toolchain(&site.path("")), None).await.expect("an answer");
    assert!(found.problem.is_some_and(|problem| problem.contains("larger than")));
    let name = "huge".parse().expect("a name");
    let found = site.catalog().inspect_inventory(&name, &toolchain(&site.path("")), false).await;
    assert!(matches!(found, Err(Error::NotFound { .. })), "its text is not read: {found:?}");
}
