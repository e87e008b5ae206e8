//! A run sees its content with the owner's paths, modes, and times.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
};

use serde_json::json;
use testkit::Setup;

use super::{Way, playbook, succeed};

/// A template whose text has its own path and time.
const STAMP: &str = r#"    - name: Write a configuration with a header
      ansible.builtin.template:
        src: templates/head.conf.j2
        dest: "{{ head_of }}/head.conf"
        mode: "0644"
      register: written
    - ansible.builtin.debug:
        var: written.changed
    - name: Read it
      ansible.builtin.slurp:
        src: "{{ head_of }}/head.conf"
      register: head
    - ansible.builtin.set_fact:
        head_lines: "{{ (head.content | b64decode).splitlines() }}"
    - ansible.builtin.debug:
        var: head_lines
"#;

const SHIP: &str = r#"    - ansible.builtin.file: {path: "{{ out }}", state: absent}
    - ansible.builtin.file: {path: "{{ out }}", state: directory, mode: "0755"}
    - name: As the copy module keeps modes
      ansible.builtin.copy: {src: files/payload, dest: "{{ out }}/", mode: preserve}
    - name: As the copy module does it on the host itself
      ansible.builtin.copy: {src: "{{ playbook_dir }}/files/payload/", dest: "{{ out }}/remote/", remote_src: true, mode: preserve}
    - name: As cp does it
      ansible.builtin.command: cp -rp {{ playbook_dir }}/files/payload {{ out }}/copied
    - name: Look
      ansible.builtin.shell: cd {{ out }} && find . -mindepth 1 -printf '%P %m %TY %l\n' | sort
      register: seen
    - ansible.builtin.debug:
        var: seen.stdout_lines
"#;

/// Modes of every kind, in a year that is long past.
fn payload(setup: &Setup) {
    let root = setup.home().join("playbooks/files/payload");
    for (name, mode) in [
        ("rule_440", 0o440),
        ("read_444", 0o444),
        ("run_755", 0o755),
        ("plain_644", 0o644),
        ("shut_400", 0o400),
        ("tree/inside_664", 0o664),
    ] {
        setup.write(&format!("playbooks/files/payload/{name}"), "content\n");
        let path = root.join(name);
        let file = fs::File::options().write(true).open(&path).expect("there");
        file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(946_684_800 + 86_400 * 40))
            .expect("the test owns it");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("the test owns it");
    }
    symlink("run_755", root.join("link")).expect("writable");
    let owner = fs::metadata(setup.home()).expect("there").uid();
    for name in ["rule_440", "read_444", "run_755", "plain_644", "shut_400", "tree/inside_664"] {
        std::os::unix::fs::chown(root.join(name), Some(owner), Some(owner)).expect("root may");
    }
    fs::set_permissions(root.join("tree"), Permissions::from_mode(0o755)).expect("the test owns it");
    fs::set_permissions(&root, Permissions::from_mode(0o755)).expect("the test owns it");
}

/// As each run finds the content of `setup`.
pub(crate) async fn assert_it_is_as_the_owner_has_it(setup: Setup, way: Way) {
    setup.write(
        "playbooks/templates/head.conf.j2",
        "# {{ template_fullpath }}\n# {{ template_mtime }}\nport = 1\n",
    );
    setup.write("playbooks/files/x", "beside the inventory\n");
    let places = "    - ansible.builtin.debug: {var: playbook_dir}\n    - ansible.builtin.debug: {var: inventory_dir}\n    \
                  - ansible.builtin.debug: {var: beside}\n";
    let vars =
        "  vars:\n    beside: \"{{ lookup('file', inventory_dir + '/../playbooks/files/x') }}\"\n  tasks:\n";
    let whole = format!("{places}{STAMP}{SHIP}");
    setup.write("playbooks/whole.yml", &playbook(&whole).replace("  tasks:\n", vars));
    setup.write("playbooks/stamp.yml", &playbook(STAMP));
    payload(&setup);
    let app = setup.start();
    let out = app.home().join("out");
    fs::create_dir(&out).expect("writable");
    fs::set_permissions(&out, Permissions::from_mode(0o777)).expect("the test owns it");

    let head = out.join("head");
    fs::create_dir(&head).expect("writable");
    fs::set_permissions(&head, Permissions::from_mode(0o777)).expect("the test owns it");
    let vars = json!({"out": out.join("ship"), "head_of": head});
    let (_, found) = succeed(&app, "whole", vars.clone()).await;
    assert_eq!(found["beside"], json!(["beside the inventory"]), "{way:?}: {found:#}");
    if way.is_in_place() {
        let at = |name: &str| json!([app.home().join(name).canonicalize().expect("there")]);
        assert_eq!(found["playbook_dir"], at("playbooks"), "{way:?}");
        assert_eq!(found["inventory_dir"], at("inventory"), "{way:?}");
    }

    assert_eq!(found["written.changed"], json!([true]), "{way:?}: {found:#}");
    if way.is_in_place() {
        let (_, second) = succeed(&app, "stamp", vars).await;
        assert_eq!(second["written.changed"], json!([false]), "{way:?}: {found:#} {second:#}");
    }

    let lines = found["seen.stdout_lines"][0].as_array().expect("lines").clone();
    for place in ["payload", "remote", "copied"] {
        for (name, mode) in [
            ("rule_440", 440),
            ("read_444", 444),
            ("run_755", 755),
            ("plain_644", 644),
            ("shut_400", 400),
            ("tree/inside_664", 664),
            ("tree", 755),
        ] {
            let wanted = format!("{place}/{name} {mode} ");
            let is_it =
                |line: &serde_json::Value| line.as_str().is_some_and(|line| line.starts_with(&wanted));
            assert!(lines.iter().any(is_it), "{way:?}: `{wanted}` of {lines:#?}");
        }
    }
    for line in ["copied/run_755 755 2000 ", "copied/shut_400 400 2000 "] {
        assert!(lines.contains(&json!(line)), "{way:?}: {line} of {lines:#?}");
    }
    let is_link = |line: &serde_json::Value| {
        line.as_str().is_some_and(|line| line.starts_with("copied/link ") && line.ends_with(" run_755"))
    };
    assert!(lines.iter().any(is_link), "{way:?}: {lines:#?}");
    assert_nothing_is_mounted(app.home());
}

/// Mounts of a run are in its own namespace and go with it.
pub(crate) fn assert_nothing_is_mounted(home: &Path) {
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("there");
    let home = home.canonicalize().expect("there");
    assert!(!mounts.contains(home.to_str().expect("UTF-8")), "{mounts}");
}

#[tokio::test]
async fn a_run_sees_paths_modes_and_times_of_its_content_as_the_owner_has_them() {
    for way in Way::all() {
        assert_it_is_as_the_owner_has_it(way.setup(), way).await;
    }
}

#[tokio::test]
async fn a_project_that_holds_the_state_and_the_inventory_is_one_tree() {
    for way in Way::all() {
        let setup = way.setup();
        testkit::copy(&setup.home().join("inventory"), &setup.home().join("playbooks/inventory"));
        setup.write("playbooks/where.yml", &playbook("    - ansible.builtin.debug: {var: inventory_dir}\n"));
        let home = setup.home().to_owned();
        let setup = setup
            .set("RANGEHAND__PATHS__INVENTORY", home.join("playbooks/inventory").to_string_lossy())
            .set("RANGEHAND__PATHS__STATE", home.join("playbooks/var").to_string_lossy())
            .set("RANGEHAND__ANSIBLE__FACT_CACHING_S", "60");
        let app = setup.start();
        let (_, found) = succeed(&app, "where", json!({})).await;
        assert!(found["inventory_dir"][0].is_string(), "{found:#}");
        let (_, again) = succeed(&app, "where", json!({})).await;
        assert!(!way.is_in_place() || found == again, "{way:?}: {found:#} {again:#}");
    }
}
