//! Rules of the test suite: which crates use its helpers, and what the profile `quick` of `.config/nextest.toml` runs.

#![allow(clippy::unwrap_used, reason = "a failed test shows the line")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use regex::Regex;

/// What `./test.sh` provides, by the names under which tests reach it.
const SURROUNDINGS: &str = r"RANGEHAND_TEST_\w+|\bbin_dir\(\)|\b(Setup|TestApp)::new\(\)|\b(Postgres|Guest|Browser|Gateway|Simulator|Pve)::|\bssh_lab::";
/// Files that name some of it, and why they are in the profile all the same.
const EXCEPTIONS: [(&str, &str); 3] = [
    ("tests/suite.rs", "this file"),
    ("tests/docs/generated.rs", "a schema of Kong is checked only where it is named"),
    (
        "crates/store/tests/contract/database.rs",
        "only the module `postgres` calls it, which the profile omits",
    ),
];

/// How the filter of the profile names a binary that it omits.
const OMITTED_BINARY: &str = r"binary_id\(\w+::(\w+)\)";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every Rust file below a directory, fixtures excepted.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() && entry.file_name().unwrap() != "fixtures" {
                open.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                found.push(entry);
            }
        }
    }
    found
}

/// The directories of the packages of the workspace.
fn packages() -> Vec<PathBuf> {
    let crates = fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path());
    crates.filter(|path| path.join("Cargo.toml").exists()).chain([root().to_owned()]).collect()
}

/// The binaries of integration tests: their names, and their file or directory.
fn binaries() -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for tests in packages().iter().map(|package| package.join("tests")).filter(|tests| tests.exists()) {
        for path in fs::read_dir(tests).unwrap().map(|entry| entry.unwrap().path()) {
            let is_binary = path.join("main.rs").exists() || path.extension().is_some_and(|it| it == "rs");
            if is_binary {
                found.push((path.file_stem().unwrap().to_str().unwrap().to_owned(), path));
            }
        }
    }
    found
}

/// What the filter of the profile omits, by a form of its expressions.
fn omitted(form: &str) -> BTreeSet<String> {
    let config: toml::Table = read(&root().join(".config/nextest.toml")).parse().unwrap();
    let filter = config["profile"]["quick"]["default-filter"].as_str().unwrap();
    let names = Regex::new(form).unwrap();
    names.captures_iter(filter).map(|found| found[1].to_owned()).collect()
}

fn manifest(package: &Path) -> toml::Table {
    read(&package.join("Cargo.toml")).parse().unwrap()
}

#[test]
fn only_tests_use_the_helpers_of_tests_and_these_use_no_other_crate_of_the_workspace() {
    let manifests: Vec<toml::Table> = packages().iter().map(|package| manifest(package)).collect();
    let name = |manifest: &toml::Table| manifest["package"]["name"].as_str().unwrap().to_owned();
    let own: BTreeSet<String> = manifests.iter().map(name).collect();
    assert!(own.contains("testkit") && own.contains("rangehand"), "{own:?}");
    for manifest in &manifests {
        let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table);
        let used: BTreeSet<String> = dependencies.into_iter().flat_map(toml::Table::keys).cloned().collect();
        assert!(!used.contains("testkit"), "{}", name(manifest));
        if name(manifest) == "testkit" {
            let of_ours: Vec<_> = used.intersection(&own).collect();
            assert!(of_ours.is_empty(), "testkit uses {of_ours:?}");
        }
    }
}

#[test]
fn modules_lie_where_their_names_say() {
    for package in packages() {
        for file in ["src", "tests"]
            .map(|part| package.join(part))
            .iter()
            .filter(|it| it.exists())
            .flat_map(|it| sources(it))
        {
            let is_moved = read(&file).lines().any(|line| line.trim_start().starts_with("#[path"));
            assert!(
                !is_moved,
                "{}: a module by its path; shared helpers go to crates/testkit",
                file.display()
            );
        }
    }
}

#[test]
fn the_quick_profile_needs_nothing_that_test_sh_provides() {
    let (binaries_omitted, modules) = (omitted(OMITTED_BINARY), omitted(r"test\(/\^(\w+)::/\)"));
    let surroundings = Regex::new(SURROUNDINGS).unwrap();
    let of_tests = binaries().into_iter().filter(|(name, _)| !binaries_omitted.contains(name));
    let of_tests = of_tests.flat_map(|(_, path)| if path.is_dir() { sources(&path) } else { vec![path] });
    // The programs of `bench` are no tests.
    let has_tests =
        |package: &PathBuf| !["crates/testkit", "crates/bench"].iter().any(|it| package.ends_with(it));
    let of_crates = packages().into_iter().filter(has_tests);
    // Unit tests that use no helper can have types of the same names.
    let of_crates = of_crates
        .flat_map(|package| sources(&package.join("src")))
        .filter(|file| read(file).contains("testkit"));
    for file in of_tests.chain(of_crates) {
        let name = file.strip_prefix(root()).unwrap().to_str().unwrap();
        let is_omitted = modules.contains(file.file_stem().unwrap().to_str().unwrap());
        if is_omitted || EXCEPTIONS.iter().any(|(exception, _)| *exception == name) {
            continue;
        }
        let text = read(&file);
        let code =
            text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        let found = surroundings.find(&code).map(|found| found.as_str());
        assert_eq!(found, None, "{name}: move it to a binary or module that the profile `quick` omits");
    }
}
