//! The list of actions agrees with the files, the documentation and the tests.

use std::{collections::BTreeSet, fs, path::Path};

use testkit::fixtures;

use super::shipped;

/// The text before the first `:` of the lines with this prefix.
fn names(text: &str, prefix: &str, end: char) -> BTreeSet<String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix(prefix));
    lines.filter_map(|line| line.split_once(end)).map(|(name, _)| name.to_owned()).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The actions that the role knows.
fn actions() -> BTreeSet<String> {
    let text = read(&shipped().join("roles/proxmox_controller/vars/main.yml"));
    let (list, _) = text.split_once("\n\n").expect("the list comes first");
    let list: Vec<_> = list.lines().filter(|line| line.contains(": [")).collect();
    names(&list.join("\n"), "  ", ':')
}

#[test]
fn every_action_has_a_file_and_every_file_an_action() {
    let folder = fs::read_dir(shipped().join("roles/proxmox_controller/tasks/actions")).expect("it is there");
    let files = folder.map(|file| file.expect("readable").file_name().to_string_lossy().into_owned());
    let files: BTreeSet<_> = files.map(|file| file.trim_end_matches(".yml").to_owned()).collect();
    assert_eq!(files, actions());
    assert!(files.len() > 60, "{files:?}");
}

#[test]
fn every_action_prints_its_result_under_its_own_name() {
    for action in actions() {
        let path = shipped().join(format!("roles/proxmox_controller/tasks/actions/{action}.yml"));
        let text = read(&path);
        assert!(text.contains(&format!("  ansible.builtin.debug:\n    var: {action}\n")), "{action}");
        assert!(text.contains(&format!("  ansible.builtin.set_fact:\n    {action}: ")), "{action}");
    }
}

#[test]
fn every_action_is_documented() {
    let text = read(&shipped().join("roles/proxmox_controller/README.md"));
    let (_, tables) = text.split_once("## Actions").expect("the chapter of the actions");
    assert_eq!(names(tables, "| `", '`'), actions());
}

#[test]
fn every_action_is_tried() {
    let mut tried = BTreeSet::new();
    for name in ["machines", "containers", "surroundings"] {
        let text = read(&fixtures().join(format!("proxmox/{name}.yml")));
        let lines = text.lines().filter_map(|line| line.trim().strip_prefix("vars: {proxmox_vm_action: "));
        tried.extend(lines.filter_map(|line| line.split([',', '}']).next()).map(str::to_owned));
    }
    assert_eq!(tried, actions());
}
