//! `[projects.NAME]` in files and in the environment.

use std::path::Path;

use crate::project::Project;

#[test]
fn a_project_is_set_by_a_file_and_by_the_environment() {
    let project = Project::new().with_settings(
        "[projects.kubespray]\nroot = \"src/kubespray\"\nplaybooks = [\"*.yml\", \"playbooks/**/*.yml\"]\nbundles = \
         [\"bundles\"]\ninventories = [\"inventory/*\"]\ndefault_inventory = [\"inventory/lab\", \"extra\"]\nlink_targets = \
         \"/srv/a:secrets\"\npersistent = [\"credentials\"]\n",
    );
    let project = project
        .with("RANGEHAND__PROJECTS__KUBESPRAY__PERSISTENT", "credentials,artifacts")
        .with("RANGEHAND__PROJECTS__OTHER__ROOT", "/srv/other")
        .with("RANGEHAND__PROJECTS__OTHER__DEFAULT_INVENTORY", "hosts");
    let settings = project.loaded().settings;
    let names: Vec<_> = settings.projects.keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["kubespray", "other"]);
    let kubespray = &settings.projects[&"kubespray".parse().unwrap()];
    assert_eq!(kubespray.root, project.path("src/kubespray"), "relative to the project root");
    assert_eq!(kubespray.link_targets, [Path::new("/srv/a").to_owned(), project.path("secrets")]);
    assert_eq!(kubespray.persistent, ["credentials", "artifacts"], "the environment wins");
    assert_eq!(kubespray.playbooks.len(), 2);
    let (shown, origin) = project.shown("projects.kubespray.persistent");
    assert_eq!(
        (shown.as_str(), origin.as_str()),
        ("credentials, artifacts", "environment RANGEHAND__PROJECTS__KUBESPRAY__PERSISTENT")
    );
    assert_eq!(project.shown("projects.kubespray.default_inventory").0, "inventory/lab, extra");
    assert_eq!(project.shown("projects.other.root").0, "/srv/other");
}

#[test]
fn what_a_project_cannot_be_is_refused_with_its_place() {
    for (text, parts) in [
        (
            "[projects.a]\nrot = \"x\"\n",
            &["line 2", "unknown setting `projects.a.rot`", "did you mean `projects.a.root`?"][..],
        ),
        ("[projects.A]\nroot = \"x\"\n", &["projects.A", "lower-case letters"]),
        ("[projects.a]\nroot = 3\n", &["`projects.a.root` is 3"]),
        (
            "[projects.a]\nroot = \"x\"\nplaybooks = [\"../*.yml\"]\n",
            &["projects.a.playbooks", "patterns for paths below the root"],
        ),
        ("[projects.a]\nroot = \"x\"\npersistent = [\"/etc\"]\n", &["projects.a.persistent"]),
        ("[projects.a]\nplaybooks = [\"*.yml\"]\n", &["the project `a` has no directory", "projects.a.root"]),
        ("[projects]\nroot = \"x\"\n", &["unknown setting `projects.root`"]),
    ] {
        let refusal = Project::new().with_settings(text).refusal();
        for part in parts {
            assert!(refusal.contains(part), "{part}: {refusal}");
        }
    }
    let refusal = Project::new().with("RANGEHAND__PROJECTS__A__ROTO", "x").refusal();
    assert!(refusal.contains("RANGEHAND__PROJECTS__A__ROOT"), "{refusal}");
}

#[test]
fn a_variable_of_a_project_that_differs_in_underscores_or_case_is_not_ignored() {
    for (variable, meant) in [
        ("RANGEHAND_PROJECTS__X__ROOT", "RANGEHAND__PROJECTS__X__ROOT"),
        ("RANGEHAND_PROJECTS_X_ROOT", "RANGEHAND__PROJECTS__X__ROOT"),
        ("rangehand__projects__x__root", "RANGEHAND__PROJECTS__X__ROOT"),
        ("RANGEHAND_PROJECTS_MY_LAB_DEFAULT_INVENTORY", "RANGEHAND__PROJECTS__MY_LAB__DEFAULT_INVENTORY"),
        ("RANGEHANDPROJECTSXROOT", "RANGEHAND__PROJECTS__NAME__ROOT"),
    ] {
        let refusal = Project::new().with(variable, "/srv/x").refusal();
        assert!(refusal.contains(variable), "{refusal}");
        assert!(refusal.ends_with(&format!("hint: the variable is {meant}")), "{refusal}");
    }
    // Set by Kubernetes for a service that is called `rangehand-projects`, and of other programs.
    for (variable, value) in [
        ("RANGEHAND_PROJECTS_PORT", "tcp://10.0.0.1:8000"),
        ("RANGEHAND_PROJECTS_SERVICE_HOST", "10.0.0.1"),
        ("RANGEHAND_PROJECTS_ROOT", "/srv"),
        ("MY_RANGEHAND_PROJECTS__X__ROOT", "/srv/x"),
    ] {
        assert!(Project::new().with(variable, value).load().is_ok(), "{variable}");
    }
}

#[test]
fn one_default_inventory_or_several_are_set_alike() {
    for (text, shown) in [("\"lab\"", "lab"), ("[\"lab\", \"more/extra\"]", "lab, more/extra")] {
        let project = Project::new().with_settings(&format!("[ansible]\ndefault_inventory = {text}\n"));
        assert_eq!(project.shown("ansible.default_inventory").0, shown);
    }
    let of = |value: &str| Project::new().with("RANGEHAND__ANSIBLE__DEFAULT_INVENTORY", value);
    assert_eq!(of("lab,extra").shown("ansible.default_inventory").0, "lab, extra");
    assert!(of("../lab").refusal().contains("ansible.default_inventory"));
    let refusal = Project::new().with_settings("[ansible]\ndefault_inventory = []\n").refusal();
    assert!(refusal.contains("ansible.default_inventory"), "{refusal}");
}
