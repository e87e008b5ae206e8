//! Lists contain exactly the names that resolve.

use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn playbooks_are_files_with_plays_outside_of_the_directories_for_other_things() {
    let site = Site::new();
    site.write("local/ping.yml", PLAY);
    site.write("local/sub/site.yaml", "- import_playbook: ../ping.yml\n");
    site.write("public/ping.yml", PLAY);
    site.write("public/generic.yml", "- name: x\n  hosts: \"{{ a }}\"\n  vars: {s: !vault x}\n");
    site.link("public/alias.yml", "generic.yml");
    site.link("public/outside.yml", site.write("outside/p.yml", PLAY));
    for other in ["requirements.yml", "empty.yml", "mixed.yml", "broken.yml"] {
        let text = match other {
            "mixed.yml" => "- hosts: all\n- name: a task\n  ping:\n",
            "broken.yml" => "- hosts: [\n",
            "requirements.yml" => "roles:\n  - name: hosts\n",
            _ => "",
        };
        site.write(&format!("public/{other}"), text);
    }
    for other in
        ["bundles/x/main.yml", "roles/hosts.yml", "tasks/a.yml", "group_vars/all.yml", "excluded/a.yml"]
    {
        site.write(&format!("public/{other}"), PLAY);
    }
    site.write("public/.git/x.yml", PLAY);
    let entries = site.catalog().list(ContentKind::Playbook).unwrap();
    let lines: Vec<_> = entries.iter().map(|e| (e.name.as_str(), e.root, e.path.to_str().unwrap())).collect();
    assert_eq!(
        lines,
        [
            ("alias", 1, "alias.yml"),
            ("generic", 1, "generic.yml"),
            ("ping", 0, "ping.yml"),
            ("sub/site", 0, "sub/site.yaml"),
        ]
    );
    assert_eq!(
        serde_json::to_string(&entries[2]).unwrap(),
        r#"{"name":"ping","kind":"playbook","root":0,"path":"ping.yml"}"#
    );
}

#[test]
fn bundles_of_both_generations_are_listed_at_any_depth() {
    let site = Site::new();
    let bundles = [
        "core/proxmox/configure/default/vms/snapshot/create-vms-admin",
        "ctf/cve/web/apache/CVE-2021-42013",
        "outer",
        "outer/nested",
        "ping",
        "proxmox/vm.bootstrap",
    ];
    for bundle in bundles {
        site.write(&format!("public/bundles/{bundle}/main.yml"), PLAY);
    }
    site.write("public/bundles/core/proxmox/configure/default/vms/create/stage_00/a.yml", PLAY);
    site.write("public/bundles/ping/roles/web/tasks/main.yml", "- ping:\n");
    site.write("public/bundles/outer/tasks/main.yml", "- ping:\n");
    site.write("public/bundles/has space/main.yml", PLAY);
    site.write("public/scenarios/demo_lab/main.yml", PLAY);
    site.write("public/scenarios/placeholder/place_holder", "");
    let catalog = site.catalog();
    let mut expected = vec!["has space"];
    expected.extend(bundles);
    expected.sort_unstable();
    assert_eq!(listed(&catalog, ContentKind::Bundle), expected);
    assert_eq!(listed(&catalog, ContentKind::Scenario), ["demo_lab"]);
}

#[test]
fn further_playbooks_beside_a_main_one_are_listed_and_resolve() {
    let site = Site::new();
    for file in ["main.yml", "main_vms_only.yml", "reset.yaml"] {
        site.write(&format!("public/scenarios/demo_lab/{file}"), PLAY);
        site.write(&format!("public/bundles/core/create/{file}"), PLAY);
    }
    site.write("public/scenarios/demo_lab/bundle_parameters.src.yml", "a: 1\n");
    site.write("public/scenarios/demo_lab/stage/_main.yml", PLAY);
    site.write("public/scenarios/empty/other.yml", PLAY);
    let catalog = site.catalog();
    assert_eq!(
        listed(&catalog, ContentKind::Scenario),
        ["demo_lab", "demo_lab/main_vms_only", "demo_lab/reset"]
    );
    assert_eq!(
        listed(&catalog, ContentKind::Bundle),
        ["core/create", "core/create/main_vms_only", "core/create/reset"]
    );
    let scenario = |name: &str| catalog.resolve(&ContentRef::Scenario(name.parse().unwrap()));
    assert_eq!(
        scenario("demo_lab/main_vms_only").unwrap().path,
        Path::new("scenarios/demo_lab/main_vms_only.yml")
    );
    for name in ["demo_lab/main", "demo_lab/bundle_parameters.src", "empty/other", "demo_lab/main.yml"] {
        assert!(scenario(name).is_err(), "{name}");
    }
}

#[test]
fn directories_named_like_the_trees_are_ordinary_elsewhere() {
    let site = Site::new();
    for file in
        ["docs/scenarios/try.yml", "ops/bundles/x.yml", "scenarios/x/main.yml", "roles/r/scenarios/y.yml"]
    {
        site.write(&format!("public/{file}"), PLAY);
    }
    site.write("public/bundles/lab/main.yml", PLAY);
    site.write("public/bundles/lab/scenarios/a/main.yml", PLAY);
    let catalog = site.catalog();
    assert_eq!(listed(&catalog, ContentKind::Playbook), ["docs/scenarios/try", "ops/bundles/x"]);
    assert_eq!(listed(&catalog, ContentKind::Bundle), ["lab", "lab/scenarios/a"]);
    assert_eq!(listed(&catalog, ContentKind::Scenario), ["x"]);
}

#[test]
fn a_list_shows_the_odd_bundles_that_resolve_and_no_others() {
    let site = Site::with_odd_bundles();
    for opening in OPENINGS {
        let catalog = site.catalog_by(opening);
        assert_eq!(
            listed(&catalog, ContentKind::Bundle),
            ["abslink", "badyaml", "dangling", "linkfile", "ping", "tools/v1.2-beta"],
        );
    }
}

#[test]
fn a_bundle_of_the_local_root_hides_the_public_one_of_the_same_name() {
    let site = Site::new();
    site.write("public/bundles/ping/main.yml", PLAY);
    assert_eq!(site.catalog().list(ContentKind::Bundle).unwrap()[0].root, 1);
    site.write("local/bundles/ping/main.yml", PLAY);
    assert_eq!(site.catalog().list(ContentKind::Bundle).unwrap()[0].root, 0);
    assert_eq!(site.catalog().resolve(&bundle("ping")).unwrap().root, site.path("local"));
}

#[test]
fn a_configured_tree_of_bundles_takes_precedence() {
    let site = Site::new();
    for root in ["local", "public"] {
        for file in ["bundles/ping/main.yml", "bundles/ping/init.yml", "ping.yml"] {
            site.write(&format!("{root}/{file}"), PLAY);
        }
    }
    let catalog = Catalog::new(Options { bundles_root: Some(site.path("public")), ..site.options() });
    let root = |content: ContentRef| catalog.resolve(&content).unwrap().root;
    assert_eq!(root(bundle("ping")), site.path("public"));
    assert_eq!(root(ContentRef::Playbook("bundles/ping/init".parse().unwrap())), site.path("public"));
    assert_eq!(root(ContentRef::Playbook("ping".parse().unwrap())), site.path("local"));
    let listed = catalog.list(ContentKind::Bundle).unwrap();
    assert_eq!(listed.iter().map(|entry| entry.root).collect::<Vec<_>>(), [1, 1], "`ping` and `ping/init`");
}

#[test]
fn a_root_that_does_not_exist_is_empty() {
    let site = Site::new();
    let nowhere = Options {
        playbooks_roots: vec![site.path("nowhere")],
        bundles_root: None,
        inventory_root: site.path("nowhere"),
        ..Options::default()
    };
    let catalog = Catalog::new(nowhere);
    for kind in ContentKind::ALL {
        assert_eq!(catalog.list(*kind).unwrap(), []);
    }
    assert!(catalog.resolve(&bundle("ping")).is_err());
}

#[test]
fn inventories_are_named_without_an_extension_unless_that_is_ambiguous() {
    let site = Site::new();
    for script in ["dynamic.py", "cleanup.sh", "scripted/aws.py"] {
        let script = site.write(&format!("inventory/{script}"), "#!/bin/sh\n");
        std::fs::set_permissions(script, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    for file in [
        "hosts.yml",
        "lab.ini",
        "lab.json",
        "production/hosts.yml",
        "production/group_vars/all.yml",
        "group_vars/all.yml",
        "host_vars/h1.yml",
        "notes.md",
        "module.py",
        ".vault",
        "excluded/hosts.yml",
    ] {
        site.write(&format!("inventory/{file}"), "");
    }
    site.write("inventory/plain", "localhost ansible_connection=local\n");
    site.write("inventory/LICENSE", "Do what you like with it\n");
    site.write("inventory/settings.yml", "lab: {domain: north.lab}\n");
    site.link("inventory/stolen.yml", site.write("outside/hosts.yml", ""));
    let named = vec!["*.py".parse().unwrap()];
    let catalog = Catalog::new(Options { inventory_scripts: named, ..site.options() });
    let names = ["dynamic", "hosts", "lab.ini", "lab.json", "plain", "production", "production/hosts"];
    assert_eq!(listed(&catalog, ContentKind::Inventory), names);
    for entry in catalog.list(ContentKind::Inventory).unwrap() {
        assert_eq!(catalog.resolve_inventory(&entry.name).unwrap().path, entry.path);
    }
    assert_eq!(catalog.resolve_inventory(&name("hosts.yml")).unwrap().path, Path::new("hosts.yml"));
    for none in [
        "group_vars/all",
        "production/group_vars/all.yml",
        "notes",
        "module.py",
        "lab",
        "group_vars",
        "LICENSE",
        "settings",
    ] {
        assert!(catalog.resolve_inventory(&name(none)).is_err(), "{none}");
    }
    // Callers that can run something can execute any program, so programs are found for runs.
    assert_eq!(catalog.resolve_inventory(&name("cleanup")).unwrap().path, Path::new("cleanup.sh"));
    assert_eq!(catalog.resolve_inventory(&name("scripted")).unwrap().path, Path::new("scripted"));
    assert!(matches!(
        catalog.resolve_inventory(&name("stolen")),
        Err(super::super::Error::LeavesRoot { .. })
    ));
}
