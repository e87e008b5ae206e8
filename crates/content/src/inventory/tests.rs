//! Precedence, decryption, and rejected inventories. The expected values are those that `ansible-inventory --host` of
//! ansible-core 2.19.14 printed for the same trees.

use std::fs;

use secrecy::ExposeSecret;

use super::*;

const LABELED: &str = include_str!("../../tests/fixtures/vault-labeled.txt");
const LONG: &str = include_str!("../../tests/fixtures/vault-long.yml");

/// A directory with these files and `hosts.yml` in it.
fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Source) {
    let directory = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let source = Source { root: directory.path().to_owned(), path: "hosts.yml".into(), vault_file: None };
    (directory, source)
}

fn value_of(inventory: &Inventory<'_>, host: &str, variable: &str) -> String {
    match inventory.value(host, variable) {
        Ok(Value::Plain(text)) => text.expose_secret().to_owned(),
        Ok(other) => format!("{other:?}").to_lowercase(),
        Err(error) => format!("error: {error}"),
    }
}

const HOSTS: &str = "
all:
  vars: {a: all, b: all, c: all, d: all, e: all, f: all, g: all, h: all}
  children:
    outer:
      vars: {b: outer, c: outer, d: outer, e: outer, f: outer, g: outer, h: outer}
      children:
        proxmox:
          vars: {c: proxmox, d: proxmox, e: proxmox, f: proxmox, g: proxmox, h: proxmox}
          hosts:
            pve2: {f: host}
            pve1: {f: host, g: host}
    a_twin: {vars: {twin: a, first: a, ansible_group_priority: 10}, hosts: {pve1: }}
    b_twin: {vars: {twin: b, second: b}, hosts: {pve1: }}
";

#[test]
fn the_nearest_word_counts() {
    let (_directory, mut source) = tree(&[
        ("hosts.yml", HOSTS),
        ("group_vars/all.yml", "a: beside all\nd: beside all\ne: beside all\n"),
        ("group_vars/proxmox/b.yml", "e: beside b\n"),
        ("group_vars/proxmox/a.json", "{\"e\": \"beside a\", \"f\": \"beside a\"}"),
        ("group_vars/proxmox/.hidden.yml", "e: hidden\n"),
        ("group_vars/proxmox.yml", "e: never read\n"),
        ("host_vars/pve1.yaml", "g: beside host\nh: beside host\n"),
        ("vault.yml", "h: vault file\n"),
    ]);
    let read = |source: &Source| Inventory::read(source, None).unwrap();
    let inventory = read(&source);
    assert_eq!(inventory.hosts("proxmox"), ["pve2", "pve1"]);
    assert_eq!(inventory.hosts("outer"), ["pve2", "pve1"]);
    assert_eq!(inventory.hosts("missing"), Vec::<&str>::new());
    for (variable, expected) in [
        ("a", "beside all"),
        ("b", "outer"),
        ("c", "proxmox"),
        // `group_vars/all` takes precedence over the variables of groups in the inventory.
        ("d", "beside all"),
        ("e", "beside b"),
        ("f", "host"),
        ("g", "beside host"),
        ("h", "beside host"),
        ("twin", "a"),
        ("second", "b"),
        ("nothing", "absent"),
    ] {
        assert_eq!(value_of(&inventory, "pve1", variable), expected, "{variable}");
    }
    assert_eq!(value_of(&inventory, "pve2", "h"), "proxmox");
    source.vault_file = Some(source.root.join("vault.yml"));
    assert_eq!(value_of(&read(&source), "pve1", "h"), "vault file");
    let all: Vec<String> = read(&source).all_values("h").into_iter().collect();
    assert_eq!(all, ["beside host", "proxmox", "vault file"]);
}

#[test]
fn vaults_are_opened_inline_and_as_whole_files() {
    let inline = LABELED.lines().map(|line| format!("          {line}\n")).collect::<String>();
    let hosts = format!("proxmox:\n  hosts:\n    pve1:\n      token: !vault |\n{inline}      plain: x\n");
    let (_directory, source) = tree(&[("hosts.yml", &hosts), ("host_vars/pve1", LONG)]);
    let password = "open sesame".into();
    let inventory = Inventory::read(&source, Some(&password)).unwrap();
    assert_eq!(value_of(&inventory, "pve1", "token"), "tok-Größe✓");
    assert_eq!(value_of(&inventory, "pve1", "key"), "0123456789abcdef0123456789");

    let wrong = "sesame".into();
    let inventory = Inventory::read(&source, Some(&wrong)).unwrap();
    assert_eq!(value_of(&inventory, "pve1", "token"), "error: the file `host_vars/pve1` cannot be decrypted");
    fs::remove_file(source.root.join("host_vars/pve1")).unwrap();
    let inventory = Inventory::read(&source, Some(&wrong)).unwrap();
    assert_eq!(
        value_of(&inventory, "pve1", "token"),
        "error: `token` of the host `pve1` cannot be decrypted"
    );
    assert_eq!(value_of(&inventory, "pve1", "plain"), "x");
    let inventory = Inventory::read(&source, None).unwrap();
    assert!(value_of(&inventory, "pve1", "token").contains("there is no vault password"));
}

#[test]
fn values_that_only_ansible_can_determine_are_unclear() {
    let (_directory, source) = tree(&[(
        "hosts.yml",
        "proxmox:\n  hosts:\n    pve1:\n      template: '{{ x }}'\n      unsafe: !unsafe '{{ x }}'\n      octal: 0777\n      \
         number: 8006\n      list: [a]\n      nothing:\n      truth: true\n",
    )]);
    let inventory = Inventory::read(&source, None).unwrap();
    for (variable, expected) in [
        ("template", "unclear"),
        ("unsafe", "{{ x }}"),
        ("octal", "unclear"),
        ("number", "8006"),
        ("list", "unclear"),
        ("nothing", ""),
        ("truth", "unclear"),
    ] {
        assert_eq!(value_of(&inventory, "pve1", variable), expected, "{variable}");
    }
}

#[test]
fn what_is_no_static_inventory_is_refused_with_its_reason() {
    for (text, reason) in [
        ("[proxmox]\npve1\n", "not valid YAML"),
        ("all: [\n", "not valid YAML: line"),
        ("just a text\n", "it is no map of groups"),
        ("plugin: community.general.proxmox\n", "only Ansible can run"),
        ("all: {hosts: [a]}\n", "`hosts` of the group `all` is no map"),
        ("a: {children: {b: {children: {a: }}}}\n", "a child of itself"),
        ("all: {hosts: {'x[1:': , 'y[2]': }}\n", "no range of hosts"),
    ] {
        let (_directory, source) = tree(&[("hosts.yml", text)]);
        let error = Inventory::read(&source, None).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
    let (_directory, mut source) = tree(&[("hosts.yml", ""), ("elsewhere/x.yml", "a: 1")]);
    assert!(Inventory::read(&source, None).unwrap().hosts("all").is_empty());
    source.path = "../hosts.yml".into();
    assert!(Inventory::read(&source, None).is_err());
}

#[test]
fn nothing_outside_the_inventory_root_is_read() {
    let outside = tempfile::NamedTempFile::new().unwrap();
    fs::write(&outside, "token: stolen\n").unwrap();
    let (_directory, source) = tree(&[("hosts.yml", "proxmox: {hosts: {pve1: , ../x: }}\n")]);
    fs::create_dir(source.root.join("host_vars")).unwrap();
    std::os::unix::fs::symlink(outside.path(), source.root.join("host_vars/pve1")).unwrap();
    let inventory = Inventory::read(&source, None).unwrap();
    assert_eq!(value_of(&inventory, "pve1", "token"), "absent");
    assert_eq!(value_of(&inventory, "../x", "token"), "absent");
}

#[test]
fn an_inventory_directory_is_read_file_by_file() {
    let (_directory, mut source) = tree(&[
        ("lab/1.yml", "proxmox: {vars: {a: 1, b: 1}, hosts: {pve1: }}\n"),
        ("lab/2.yml", "proxmox: {vars: {b: 2}, hosts: {pve2: }}\n"),
        ("lab/notes.md", "no inventory"),
        ("lab/group_vars/proxmox.yml", "c: 3\n"),
    ]);
    source.path = "lab".into();
    let inventory = Inventory::read(&source, None).unwrap();
    assert_eq!(inventory.hosts("proxmox"), ["pve1", "pve2"]);
    assert_eq!(["a", "b", "c"].map(|variable| value_of(&inventory, "pve1", variable)), ["1", "2", "3"]);
}

#[test]
fn a_change_anywhere_changes_the_fingerprint() {
    let (_directory, mut source) =
        tree(&[("hosts.yml", HOSTS), ("group_vars/all/a.yml", "a: 1\n"), ("v", "a: 1\n")]);
    source.vault_file = Some(source.root.join("v"));
    let mut last = source.fingerprint().unwrap();
    assert_eq!(source.fingerprint().unwrap(), last);
    for file in ["hosts.yml", "group_vars/all/a.yml", "group_vars/all/b.yml", "host_vars/pve1", "v"] {
        let path = source.root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "a: 22\n").unwrap();
        let print = source.fingerprint().unwrap();
        assert_ne!(print, last, "{file}");
        last = print;
    }
}

proptest::proptest! {
    #[test]
    fn no_text_stops_the_reader(text in "[a-z0-9:{}\\[\\]\"'!&*|>#, \n-]{0,80}") {
        let mut groups = Groups::default();
        if let Ok(document) = node::parse(&text) {
            // Refused or not, it returns.
            let _ = groups.add(&document);
            let _ = groups.by_host();
        }
        let _ = pattern::expand(&text);
    }
}
