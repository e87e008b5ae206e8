//! The documents match the code: generated ones are compared, and others are searched for what they must mention.
//!
//! `UPDATE_DOCS=1 cargo test --test docs` writes the generated ones: `docs/settings.md`, `openapi.json`, `kong.yml`,
//! `curl_utils/`, the tables of `docs/api.md` and `docs/v0.md`.

#![allow(clippy::unwrap_used, reason = "a failed test shows the line")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use model::{Code, JobState, Phase, WarningCode};
use regex::Regex;

mod generated;
mod links;
mod page;
mod security;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Are the generated documents to be written?
fn is_update() -> bool {
    std::env::var_os("UPDATE_DOCS").is_some()
}

/// Every match of the first group of a pattern.
fn all(pattern: &str, text: &str) -> BTreeSet<String> {
    Regex::new(pattern).unwrap().captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// The part of a document between a heading and the next of its level.
fn chapter<'a>(document: &'a str, heading: &str) -> &'a str {
    let begin = document.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no chapter `{heading}`"));
    let text = &document[begin + heading.len() + 2..];
    let level = heading.split(' ').next().unwrap();
    &text[..text.find(&format!("\n{level} ")).unwrap_or(text.len())]
}

/// The text in backticks in the first column of the tables of a document.
fn first_column(text: &str) -> BTreeSet<String> {
    let columns = text.lines().filter_map(|line| line.strip_prefix('|')?.split('|').next());
    columns.flat_map(|column| all("`([^`]+)`", column)).collect()
}

fn assert_same(what: &str, document: &str, in_code: &BTreeSet<String>, in_document: &BTreeSet<String>) {
    let missing: Vec<_> = in_code.difference(in_document).collect();
    let gone: Vec<_> = in_document.difference(in_code).collect();
    assert!(missing.is_empty(), "add these {what} to {document}: {missing:?}");
    assert!(gone.is_empty(), "these {what} are in {document} and nowhere else: {gone:?}");
}

#[test]
fn every_state_reason_code_and_phase_is_in_the_api_document() {
    let document = read("docs/api.md");
    let texts = |found: Vec<&str>| found.into_iter().map(str::to_owned).collect();
    let states: BTreeSet<String> = texts(JobState::ALL.iter().map(|state| state.as_str()).collect());
    assert_same("states", "docs/api.md, `States`", &states, &first_column(chapter(&document, "## States")));
    let reasons = chapter(&document, "## Reason codes");
    let codes: BTreeSet<String> = texts(Code::ALL.iter().map(|code| code.as_str()).collect());
    assert_same("codes", "docs/api.md, `Reason codes`", &codes, &first_column(reasons));
    let after = document.find("\n**Warnings:**").expect("the warnings");
    let table = document[after..].split("\n\n").nth(1).expect("a table");
    let warnings: BTreeSet<String> = texts(WarningCode::ALL.iter().map(|code| code.as_str()).collect());
    let in_table = table.lines().filter_map(|line| all("^\\| `([^`]+)`", line).into_iter().next()).collect();
    assert_same("warnings", "docs/api.md, `Warnings`", &warnings, &in_table);
    for phase in Phase::ALL {
        assert!(
            reasons.contains(&format!("`{phase}`")),
            "add the phase `{phase}` to docs/api.md, `Reason codes`"
        );
    }
}

#[test]
fn every_own_event_kind_is_in_the_api_document() {
    let document = read("docs/api.md");
    let kinds = all(r#"Self\(Cow::Borrowed\("([a-z_]+)"\)\)"#, &read("crates/model/src/event.rs"));
    assert!(kinds.len() > 4, "the pattern no longer finds kinds: {kinds:?}");
    let documented = first_column(chapter(&document, "### GET /v1/jobs/{id}/events"));
    let missing: Vec<_> = kinds.difference(&documented).collect();
    assert!(missing.is_empty(), "add these kinds to docs/api.md, `GET /v1/jobs/{{id}}/events`: {missing:?}");
}

/// `METHOD path` of every endpoint except those of v0, which has a separate document.
fn routes() -> BTreeSet<String> {
    let routes = rangehand::http::documents::routes().into_iter();
    routes
        .filter(|route| !route.path.starts_with("/v0/"))
        .map(|route| format!("{} {}", route.method, route.path))
        .collect()
}

#[test]
fn every_route_has_a_heading_in_the_api_document() {
    let headings = all(r"(?m)^### ((?:GET|POST|PUT|PATCH|DELETE) \S+)$", &read("docs/api.md"));
    assert_same("routes, each as `### METHOD path`,", "docs/api.md", &routes(), &headings);
}

#[test]
fn the_document_of_settings_is_what_the_defaults_say() {
    let wanted = settings_document(&read("config/default.toml"));
    let path = root().join("docs/settings.md");
    if is_update() {
        fs::write(&path, &wanted).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap_or_default() == wanted,
        "docs/settings.md is not what config/default.toml says: run `UPDATE_DOCS=1 cargo test --test docs`"
    );
}

const SETTINGS_HEAD: &str = "<!-- Made from config/default.toml: UPDATE_DOCS=1 cargo test --test docs -->

# Settings

What [config/default.toml](../config/default.toml) says, as tables. It begins:

";

/// `docs/settings.md` from `config/default.toml`: comments, then `key = value`, in sections.
fn settings_document(defaults: &str) -> String {
    let mut text = String::from(SETTINGS_HEAD);
    let mut comment: Vec<&str> = Vec::new();
    let mut section = "";
    let mut lines = defaults.lines();
    while let Some(line) = lines.next() {
        // Settings without a default are there as a comment without a space.
        let line = line.strip_prefix('#').filter(|rest| rest.starts_with(is_setting)).unwrap_or(line);
        if let Some(words) = line.strip_prefix('#') {
            comment.push(words.trim());
        } else if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
            text.push_str(&format!(
                "\n## {section}\n\n| key | default | environment | old name | meaning |\n| --- | --- | --- | --- | --- |\n"
            ));
        } else if let Some((key, value)) = line.split_once(" = ") {
            let mut value = value.to_owned();
            while value.starts_with('[') && !value.ends_with(']') {
                value = format!("{value} {}", lines.next().expect("a list has an end").trim());
            }
            text.push_str(&setting_row(&format!("{section}.{key}"), &value, &comment.join(" ")));
            comment.clear();
        } else {
            if section.is_empty() && !comment.is_empty() {
                text.push_str(&quoted(&comment));
            }
            comment.clear();
        }
    }
    text
}

fn is_setting(first: char) -> bool {
    first == '[' || first.is_ascii_lowercase()
}

/// The head of the file, as a quotation.
fn quoted(comment: &[&str]) -> String {
    comment.iter().map(|line| format!("> {line}").trim_end().to_owned() + "\n").collect()
}

fn setting_row(key: &str, value: &str, comment: &str) -> String {
    let (meaning, environment) =
        comment.split_once(" Environment: ").unwrap_or_else(|| panic!("`{key}` names no variable"));
    let variable = environment.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap();
    assert!(
        key == "ansible.environment"
            || variable == format!("RANGEHAND__{}", key.to_uppercase().replace('.', "__")),
        "the variable of `{key}` is not {variable}"
    );
    let old_name = Regex::new(r"[oO]ld name ([A-Z_]+)").unwrap();
    let old_name = old_name.captures(environment).map_or(String::new(), |found| format!("`{}`", &found[1]));
    let more =
        Regex::new(r"^[A-Z_a-z=]+(?: for each|, old name [A-Z_]+)?[. ]*").unwrap().replace(environment, "");
    let value = value.replace('|', r"\|").replace("[ ", "[").replace(", ]", "]");
    let meaning = format!("{meaning} {more}").trim().replace('|', r"\|");
    format!("| `{key}` | `{value}` | `{variable}` | {old_name} | {meaning} |\n")
}

/// The users of each external dependency: crate names, with ` (tests)` if only tests use it.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let members = fs::read_dir(root().join("crates")).unwrap();
    let manifests = members.map(|member| member.unwrap().path().join("Cargo.toml"));
    for manifest in manifests.chain([root().join("Cargo.toml")]) {
        let manifest: toml::Table = read(&manifest).parse().unwrap();
        let name = manifest["package"]["name"].as_str().unwrap();
        for (table, mark) in
            [("dependencies", ""), ("dev-dependencies", " (tests)"), ("build-dependencies", " (build)")]
        {
            let listed = manifest.get(table).and_then(|listed| listed.as_table());
            for dependency in listed.into_iter().flat_map(|listed| listed.keys()) {
                if !root().join("crates").join(dependency).exists() {
                    found.entry(dependency.clone()).or_default().insert(format!("{name}{mark}"));
                }
            }
        }
    }
    found
}

#[test]
fn every_dependency_is_in_the_document_of_dependencies_with_its_users() {
    let document = read("docs/dependencies.md");
    let rows = document.lines().filter(|line| line.starts_with("| `"));
    let documented: BTreeMap<String, BTreeSet<String>> = rows
        .map(|row| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            (cells[1].trim_matches('`').to_owned(), cells[2].split(", ").map(str::to_owned).collect())
        })
        .collect();
    let wanted = dependencies();
    let names = |found: &BTreeMap<String, BTreeSet<String>>| found.keys().cloned().collect();
    assert_same("dependencies", "docs/dependencies.md", &names(&wanted), &names(&documented));
    for (name, users) in wanted {
        assert_eq!(documented[&name], users, "docs/dependencies.md, who uses `{name}`");
    }
}
