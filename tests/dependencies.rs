//! Locked dependencies: their licenses are allowed, and none has a known vulnerability.
//!
//! `cargo deny` does this and more, but takes minutes to build and needs a database that is not available where these tests
//! run. Licenses are those that the packages declare. Advisories are those of `tests/advisories.toml`.

#![allow(clippy::unwrap_used, reason = "a failed test shows the line")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use serde_json::Value;

/// Permissive licenses, which don't require publishing the source of Rangehand.
const ALLOWED: [&str; 12] = [
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// How many crates can be locked in more than one version. Each costs build time and binary size. Before you raise the number,
/// check whether one of the two versions can be removed.
const MAX_DUPLICATES: usize = 18;

struct Package {
    name: String,
    version: String,
    licence: String,
}

/// All locked packages for all systems, except the crates of Rangehand.
fn packages() -> Vec<Package> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--offline", "--locked", "--format-version", "1"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |package: &Value, name: &str| package[name].as_str().unwrap_or_default().to_owned();
    let packages =
        metadata["packages"].as_array().unwrap().iter().filter(|package| !package["source"].is_null());
    packages
        .map(|package| Package {
            name: text(package, "name"),
            version: text(package, "version"),
            licence: text(package, "license"),
        })
        .collect()
}

/// Whether an SPDX expression leaves a way that is allowed: one of an `OR`, all of an `AND`.
fn is_allowed(expression: &str) -> bool {
    // The slash is an `OR` of before there were expressions.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    any_of(&mut rest) && rest.is_empty()
}

fn any_of(words: &mut &[&str]) -> bool {
    let mut allowed = all_of(words);
    while let [first, rest @ ..] = words
        && *first == "OR"
    {
        *words = rest;
        allowed |= all_of(words);
    }
    allowed
}

fn all_of(words: &mut &[&str]) -> bool {
    let mut allowed = one(words);
    while let [first, rest @ ..] = words
        && *first == "AND"
    {
        *words = rest;
        allowed &= one(words);
    }
    allowed
}

fn one(words: &mut &[&str]) -> bool {
    match words {
        ["(", rest @ ..] => {
            *words = rest;
            let allowed = any_of(words);
            *words = words.strip_prefix(&[")"]).unwrap_or(&["unclosed"]);
            allowed
        }
        [licence, "WITH", exception, rest @ ..] => {
            let licence = format!("{licence} WITH {exception}");
            *words = rest;
            ALLOWED.contains(&licence.as_str())
        }
        [licence, rest @ ..] => {
            let allowed = ALLOWED.contains(licence);
            *words = rest;
            allowed
        }
        [] => false,
    }
}

/// The three numbers of a version.
fn numbers(version: &str) -> (u64, u64, u64) {
    let plain = version.split(['+', '-']).next().unwrap();
    let mut numbers = plain.split('.').map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[test]
fn everything_that_is_locked_has_a_permissive_licence() {
    let refused: Vec<String> = packages()
        .iter()
        .filter(|package| !is_allowed(&package.licence))
        .map(|package| format!("{} {}: {:?}", package.name, package.version, package.licence))
        .collect();
    assert!(refused.is_empty(), "not allowed by tests/dependencies.rs: {refused:#?}");
}

#[test]
fn nothing_that_is_locked_is_known_to_be_broken() {
    let list: toml::Table = include_str!("advisories.toml").parse().unwrap();
    let packages = packages();
    let mut found = Vec::new();
    for advisory in list["advisory"].as_array().unwrap() {
        let text = |key: &str| advisory.get(key).and_then(|value| value.as_str());
        let (id, name) = (text("id").unwrap(), text("crate").unwrap());
        let since = text("since").map_or((0, 0, 0), numbers);
        let fixed = text("fixed").map_or((u64::MAX, 0, 0), numbers);
        let is_hit =
            |package: &&Package| package.name == name && (since..fixed).contains(&numbers(&package.version));
        found.extend(packages.iter().filter(is_hit).map(|hit| format!("{id}: {name} {}", hit.version)));
    }
    assert!(found.is_empty(), "see tests/advisories.toml: {found:?}");
}

#[test]
#[expect(clippy::print_stderr, reason = "a report, printed with --nocapture")]
fn few_crates_are_locked_in_more_than_one_version() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in packages() {
        versions.entry(package.name).or_default().insert(package.version);
    }
    versions.retain(|_, versions| versions.len() > 1);
    eprintln!("in more than one version: {versions:#?}");
    assert!(versions.len() <= MAX_DUPLICATES, "{versions:#?}");
}

#[test]
fn no_crate_of_the_workspace_has_unsafe_code() {
    let manifest: toml::Table = include_str!("../Cargo.toml").parse().unwrap();
    assert_eq!(manifest["workspace"]["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let crates = std::fs::read_dir(root.join("crates")).unwrap().map(|entry| entry.unwrap().path());
    for directory in crates.chain([root.to_owned()]) {
        let text = std::fs::read_to_string(directory.join("Cargo.toml")).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        assert_eq!(manifest["lints"]["workspace"].as_bool(), Some(true), "{}", directory.display());
    }
}

#[test]
fn expressions_are_read_as_spdx_means_them() {
    for (expression, allowed) in [
        ("MIT", true),
        ("MIT OR GPL-3.0-only", true),
        ("GPL-3.0-or-later", false),
        ("MIT AND GPL-3.0-only", false),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("(MIT OR Apache-2.0) AND GPL-2.0", false),
        ("Apache-2.0 WITH LLVM-exception OR GPL-2.0", true),
        ("Apache-2.0 / MIT", true),
        ("(MIT", false),
        ("", false),
    ] {
        assert_eq!(is_allowed(expression), allowed, "{expression}");
    }
}
