//! Decides whether a file is an inventory by its text alone. Nothing is executed for that, whatever its permissions.
//!
//! Ansible tries: it runs executable files, and parses all others as YAML and as INI until one succeeds. Here a file is an
//! inventory if it has the shape of one: groups in YAML or JSON, sections or hosts in INI, or the configuration of an
//! inventory plugin. A program is recognized by its first two bytes, or because it is not text.

use std::path::Path;

use rustix::fs::FileType;

use super::{Root, beneath::file_type, yaml};

/// The largest inventory that is read, in bytes: one of 10,000 hosts has a few million.
const MAX_BYTES: u64 = 16 << 20;

/// Extensions of files that never hold one.
const OTHERS: &[&str] = &[
    "bak", "cfg", "conf", "crt", "j2", "key", "log", "md", "orig", "pem", "ps1", "py", "pyc", "rb", "retry",
    "rst", "sh", "swp", "toml", "txt",
];

/// Names of extension-less files that may be an inventory without anything in them.
const EMPTY: &[&str] = &["hosts", "inventory"];

/// Any of the three bits that let a file be executed.
const EXECUTABLE: u32 = 0o111;

/// How Ansible would treat a file as an inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Text in one of the formats.
    Static,
    /// A program that prints one.
    Program,
}

/// The shape of a file; `None` when it is no inventory.
pub(super) fn of_file(root: &Root, path: &Path) -> Option<Shape> {
    let status = root.status(path).ok()?;
    if file_type(&status) != FileType::RegularFile {
        return None;
    }
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    // What is no text, or too long for one, is a program if it may be executed.
    let Some(text) = root.read(path, MAX_BYTES).ok().flatten() else {
        return (status.st_mode & EXECUTABLE != 0).then_some(Shape::Program);
    };
    if text.starts_with("#!") {
        return (status.st_mode & EXECUTABLE != 0).then_some(Shape::Program);
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_inventory = match extension {
        "yml" | "yaml" | "json" => is_yaml(&text).unwrap_or_else(|| looks_like_groups(&text)),
        "ini" => is_ini(&text, true),
        other if OTHERS.contains(&other) => false,
        _ if is_blank(&text) => EMPTY.contains(&name),
        _ => is_yaml(&text) == Some(true) || is_ini(&text, false),
    };
    is_inventory.then_some(Shape::Static)
}

/// Nothing but comments.
fn is_blank(text: &str) -> bool {
    text.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with(['#', ';']) || line == "---")
}

/// Encrypted as a whole: its shape is unknown.
fn is_encrypted(text: &str) -> bool {
    text.starts_with("$ANSIBLE_VAULT;")
}

/// The keys of a group.
const GROUP: &[&str] = &["hosts", "children", "vars"];
/// Groups that are always there.
const GIVEN: &[&str] = &["all", "ungrouped"];

/// For invalid YAML. Ansible reports the error.
fn looks_like_groups(text: &str) -> bool {
    let begins = |line: &str| ["hosts:", "children:", "all:"].iter().any(|word| line.starts_with(word));
    text.lines().any(|line| begins(line.trim_start()))
}

/// Groups by name, or the configuration of a plugin; `None` when the text is no valid YAML.
fn is_yaml(text: &str) -> Option<bool> {
    if is_blank(text) || is_encrypted(text) {
        return Some(true);
    }
    let document = yaml::parse(text)?;
    let groups = document.entries();
    if document.get("plugin").is_some_and(|plugin| plugin.text().is_some_and(|name| !name.is_empty())) {
        return Some(true);
    }
    let is_empty = |group: &yaml::Yaml| group.text().is_some_and(str::is_empty);
    let is_group = |group: &yaml::Yaml| {
        is_empty(group)
            || group.entries().iter().all(|(key, _)| GROUP.contains(&key.as_str()))
                && !group.entries().is_empty()
    };
    // A map without anything in it, `{}`, is an empty group.
    let is_map = |group: &yaml::Yaml| matches!(group, yaml::Yaml::Map(entries) if entries.is_empty());
    let proves = |(name, group): &(String, yaml::Yaml)| {
        GIVEN.contains(&name.as_str()) || !is_empty(group) && !is_map(group)
    };
    Some(groups.iter().all(|(_, group)| is_group(group) || is_map(group)) && groups.iter().any(proves))
}

/// Sections of groups, or hosts with their variables. `may_be_empty` is the result for a text without either.
fn is_ini(text: &str, may_be_empty: bool) -> bool {
    if is_encrypted(text) {
        return may_be_empty;
    }
    let (mut kind, mut has_section, mut hosts) = (Section::Hosts, false, 0);
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[')
            && let Some((name, after)) = rest.split_once(']')
            && (after.trim().is_empty() || after.trim_start().starts_with(['#', ';']))
        {
            let (group, is) = name.split_once(':').unwrap_or((name, "hosts"));
            kind = match is {
                "hosts" => Section::Hosts,
                "children" => Section::Children,
                "vars" => Section::Vars,
                _ => return false,
            };
            if group.is_empty() || group.contains(char::is_whitespace) {
                return false;
            }
            has_section = true;
            continue;
        }
        let is_good = match kind {
            Section::Vars => line.contains('='),
            Section::Children => {
                !line.split('#').next().unwrap_or_default().trim().contains(char::is_whitespace)
            }
            Section::Hosts => {
                hosts += 1;
                is_host_line(line)
            }
        };
        if !is_good {
            return false;
        }
    }
    has_section || hosts > 0 || may_be_empty
}

/// What the lines below a header of a section are.
enum Section {
    Hosts,
    Children,
    Vars,
}

/// A host or a range of hosts, then variables. A value with spaces is not parsed.
fn is_host_line(line: &str) -> bool {
    let line = line.split(" #").next().unwrap_or_default().trim();
    let mut words = line.split_whitespace();
    let Some(host) = words.next() else { return false };
    let is_host = host.chars().all(|c| c.is_ascii_alphanumeric() || "._-:[],".contains(c) || !c.is_ascii());
    // A number with dots that is no address is a version, not a host.
    let is_number = host.chars().all(|c| c.is_ascii_digit() || c == '.');
    let is_version = is_number && host.parse::<std::net::Ipv4Addr>().is_err();
    is_host
        && !host.ends_with(':')
        && !is_version
        && words.next().is_none_or(|word| word.find('=').is_some_and(|at| at > 0))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use proptest::prelude::*;

    use super::*;

    const SHELL: &str = "#!/bin/sh\nrm -rf build\n";

    fn shape(name: &str, text: &str, mode: u32) -> Option<Shape> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        of_file(&Root::open(directory.path()).unwrap(), Path::new(name))
    }

    #[test]
    fn inventories_are_recognized_by_their_shape_in_every_format() {
        for (name, text) in [
            ("hosts.yml", "all:\n  hosts:\n    a:\n"),
            ("hosts.yml", "---\nweb:\n  hosts: {a: }\n  vars: {x: 1}\nedge:\n  children:\n    web:\n"),
            ("hosts.yml", "all:\n"),
            ("hosts.yml", "web: {}\ndb:\n  hosts: {}\n"),
            ("hosts.yml", ""),
            ("hosts.yml", "# none yet\n"),
            ("hosts.yml", "all:\n  hosts: [this is: not\n"),
            ("hosts.yml", "$ANSIBLE_VAULT;1.1;AES256\n6162\n"),
            ("cloud.yml", "plugin: amazon.aws.aws_ec2\nregions: [x]\n"),
            ("cloud.aws_ec2.yaml", "plugin: constructed\nstrict: false\n"),
            ("hosts.json", "{\"all\": {\"hosts\": {\"a\": {}}}}"),
            ("lab.ini", "[web]\na ansible_host=10.0.0.1\nb[1:3]\n[web:vars]\nx = 1\n[edge:children]\nweb\n"),
            ("lab.ini", "[web]\nh1 password=x and more\n"),
            ("hosts", "localhost ansible_connection=local\n"),
            ("production", "web1\nweb2 # the other\n10.0.0.7\n"),
            ("inventory.dist", "[all]\na\n"),
            ("hosts", ""),
            ("yaml", "all:\n  hosts:\n    a:\n"),
        ] {
            assert_eq!(shape(name, text, 0o644), Some(Shape::Static), "{name}: {text}");
            assert_eq!(shape(name, text, 0o755), Some(Shape::Static), "{name}: {text}");
        }
    }

    #[test]
    fn other_files_are_no_inventories() {
        for (name, text) in [
            ("site.yml", "- hosts: all\n  tasks: []\n"),
            ("vars.yml", "lab: {domain: x}\nversion: 3\n"),
            ("vars.yml", "hosts: [a, b]\n"),
            ("galaxy.yml", "namespace: a\nname: b\n"),
            ("package.json", "{\"name\": \"x\", \"scripts\": {\"build\": \"x\"}}"),
            ("manifest.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n"),
            ("ansible.cfg", "[defaults]\nroles_path = ./roles\n"),
            ("tool.ini", "[defaults]\nroles_path = ./roles\n"),
            ("LICENSE", "MIT License\n\nPermission is granted\n"),
            ("Makefile", "all: build\n\nbuild:\n\tcc x.c\n"),
            ("Vagrantfile", "Vagrant.configure(\"2\") do |config|\nend\n"),
            ("VERSION", "2.19.1\n"),
            ("OWNERS", "approvers:\n  - someone\n"),
            ("README.md", "web1\n"),
            ("requirements.txt", "ansible\n"),
            ("place_holder", ""),
            ("cleanup.sh", SHELL),
            ("cleanup", SHELL),
            ("bare.py", "import os\n"),
        ] {
            assert_eq!(shape(name, text, 0o644), None, "{name}: {text}");
        }
        for name in ["cleanup.sh", "cleanup", "dynamic.py"] {
            assert_eq!(shape(name, SHELL, 0o755), Some(Shape::Program), "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_shape_or_none(text in "([ \\t\\n\\[\\]:;#=a-cé,]|hosts|all|plugin|vars){0,80}") {
            is_ini(&text, false);
            is_yaml(&text);
        }
    }
}
