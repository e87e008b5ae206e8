//! The dependencies between crates: the layers of `ARCHITECTURE.md`.

use std::{collections::BTreeSet, fs};

use crate::{packages, root};

/// For each crate of the workspace, the crates that its code may use. Lower layers come first.
const MAY_USE: &[(&str, &[&str])] = &[
    ("api", &[]),
    ("model", &[]),
    ("process", &[]),
    ("range", &["model"]),
    ("content", &["model", "process"]),
    ("store", &["model"]),
    ("platform", &["process", "range"]),
    ("saga", &["model"]),
    ("ansible", &["content", "model", "process"]),
    ("engine", &["ansible", "content", "model", "platform", "process", "range", "saga", "store"]),
    ("testkit", &[]),
    ("rangehand", &["ansible", "api", "content", "engine", "model", "platform", "process", "range", "store"]),
    ("bench", &["ansible", "content", "engine", "model", "saga", "store"]),
];

/// Libraries that decide what a layer is, and the crates that may use them.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("actix-web", &["bench", "rangehand"]),
    ("actix-ws", &["rangehand"]),
    ("clap", &["rangehand"]),
    ("hyper", &["platform"]),
    ("landlock", &["process"]),
    ("reqwest", &["platform", "rangehand", "testkit"]),
    ("schemars", &["api"]),
    ("sqlx", &["store"]),
];

/// The name of a package, and what it lists, tests excepted.
fn manifests() -> Vec<(String, BTreeSet<String>)> {
    let read = |path: std::path::PathBuf| {
        let text = fs::read_to_string(root().join(path).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        let listed = |table: &str| -> Vec<String> {
            let table = manifest.get(table).and_then(|table| table.as_table());
            table.into_iter().flat_map(|table| table.keys().cloned()).collect()
        };
        let name = manifest["package"]["name"].as_str().unwrap().to_owned();
        (name, [listed("dependencies"), listed("build-dependencies")].concat().into_iter().collect())
    };
    packages().into_iter().map(read).collect()
}

#[test]
fn a_crate_uses_only_those_below_it() {
    let manifests = manifests();
    let own: BTreeSet<&str> = manifests.iter().map(|(name, _)| name.as_str()).collect();
    let mut faults = Vec::new();
    for (name, listed) in &manifests {
        let Some((_, allowed)) = MAY_USE.iter().find(|(known, _)| known == name) else {
            faults.push(format!("`{name}` has no layer: add it to `MAY_USE`"));
            continue;
        };
        let more = listed.iter().filter(|one| own.contains(one.as_str()) && !allowed.contains(&one.as_str()));
        faults.extend(more.map(|one| format!("`{name}` may not use `{one}`")));
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_layers_have_an_order() {
    let mut below = BTreeSet::new();
    for (name, allowed) in MAY_USE {
        let above: Vec<&&str> = allowed.iter().filter(|one| !below.contains(*one)).collect();
        assert!(above.is_empty(), "`{name}` may use {above:?}, which are not below it");
        below.insert(*name);
    }
}

#[test]
fn libraries_of_a_layer_stay_in_it() {
    let mut faults = Vec::new();
    for (name, listed) in manifests() {
        let elsewhere = ONLY_IN
            .iter()
            .filter(|(library, crates)| listed.contains(*library) && !crates.contains(&name.as_str()));
        faults.extend(
            elsewhere.map(|(library, crates)| format!("`{name}` may not use `{library}`, only {crates:?}")),
        );
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
