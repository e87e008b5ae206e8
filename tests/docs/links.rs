//! Every relative link in Markdown leads to a file and to a heading in it. Files and settings that documents mention exist.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Component, Path, PathBuf},
    sync::LazyLock,
};

use regex::Regex;

use super::{all, read, root};

/// Directories below the root that aren't a part of the repository.
const LOCAL: [&str; 3] = ["target", "var", "web/app/node_modules"];

/// Documents whose file names are checked, besides those in `docs/design`.
const NAMING_FILES: [&str; 2] = ["ARCHITECTURE.md", "CONTRIBUTING.md"];

/// Names that resemble settings, and aren't: files, and a collection of Ansible.
const FILES_LIKE_SETTINGS: [&str; 5] =
    ["ansible.cfg", "ansible.builtin", "ranges.rs", "secrets.key", "store.rs"];

/// Every file and directory of the repository, relative to the root.
fn paths() -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![root().to_owned()]);
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let relative = path.strip_prefix(root()).unwrap().to_owned();
            let is_local = LOCAL.iter().any(|name| relative == Path::new(name))
                || relative.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if is_local {
                continue;
            }
            if path.is_dir() && !path.is_symlink() {
                open.push(path);
            }
            found.push(relative);
        }
    }
    found.sort();
    found
}

fn documents() -> Vec<PathBuf> {
    paths().into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// The lines that aren't in a block of code.
fn prose(text: &str) -> Vec<&str> {
    let mut is_code = false;
    text.lines()
        .filter(|line| {
            let is_fence = line.trim_start().starts_with("```");
            is_code ^= is_fence;
            !is_code && !is_fence
        })
        .collect()
}

/// The anchor of a heading on GitHub.
fn anchor(heading: &str) -> String {
    static LINK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\[([^\]]*)\]\([^)]*\)").unwrap());
    let text = LINK.replace_all(heading, "$1").to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The anchors of all headings; of equal ones, those that come later have a number.
fn anchors(document: &str) -> BTreeSet<String> {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    let mut found = BTreeSet::new();
    for line in prose(document) {
        let heading = line.trim_start_matches('#');
        let Some(heading) = heading.strip_prefix(' ').filter(|_| line.starts_with('#')) else { continue };
        let anchor = anchor(heading.trim());
        let earlier = count.entry(anchor.clone()).or_default();
        found.insert(if *earlier == 0 { anchor } else { format!("{anchor}-{earlier}") });
        *earlier += 1;
    }
    found
}

/// Without `.` and `..`.
fn normalized(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut path, component| {
        match component {
            Component::ParentDir => {
                path.pop();
            }
            Component::CurDir => {}
            other => path.push(other),
        }
        path
    })
}

#[test]
fn every_relative_link_leads_to_a_file_and_to_a_heading_of_it() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let documents = documents();
    assert!(documents.len() > 20, "the documents are no longer found: {documents:?}");
    let texts: BTreeMap<&PathBuf, String> = documents.iter().map(|path| (path, read(path))).collect();
    let headings: BTreeMap<&PathBuf, BTreeSet<String>> =
        texts.iter().map(|(path, text)| (*path, anchors(text))).collect();
    let mut broken = Vec::new();
    for (document, text) in &texts {
        for found in prose(text).iter().flat_map(|line| link.captures_iter(line)) {
            let target = &found[1];
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, wanted) = target.split_once('#').unwrap_or((target, ""));
            let file = match file {
                "" => (*document).clone(),
                file => normalized(&document.with_file_name(file)),
            };
            let is_right = match headings.get(&file) {
                Some(headings) => wanted.is_empty() || headings.contains(wanted),
                None => root().join(&file).exists(),
            };
            if !is_right {
                broken.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "these links lead nowhere: {broken:#?}");
}

#[test]
fn files_that_the_design_documents_name_exist() {
    // A source file by the end of its path, or any path from the root.
    let name = Regex::new(
        r"`((?:crates|src|tests|docs|config|scripts)/[A-Za-z0-9_./-]*|[A-Za-z0-9_./-]+\.rs)(?:::[a-z_]+)?`",
    )
    .unwrap();
    let paths = paths();
    let documents = documents().into_iter().filter(|path| {
        path.starts_with("docs/design") || NAMING_FILES.iter().any(|name| path == Path::new(name))
    });
    let (mut count, mut missing) = (0, BTreeSet::new());
    for document in documents {
        for found in prose(&read(&document)).iter().flat_map(|line| name.captures_iter(line)) {
            count += 1;
            let named = Path::new(&found[1]);
            // `ends_with` compares whole names of files and directories.
            if !root().join(named).exists() && !paths.iter().any(|path| path.ends_with(named)) {
                missing.insert(format!("{}: {}", document.display(), named.display()));
            }
        }
    }
    assert!(count > 50, "the pattern no longer finds files: {count}");
    assert!(missing.is_empty(), "these files do not exist: {missing:#?}");
}

#[test]
fn settings_that_documents_name_exist() {
    let keys = all(r"(?m)^\| `([a-z_]+\.[a-z_0-9]+)` \|", &read("docs/settings.md"));
    assert!(keys.len() > 80, "the settings are no longer found: {keys:?}");
    let sections: BTreeSet<&str> = keys.iter().filter_map(|key| Some(key.split_once('.')?.0)).collect();
    let sections: Vec<&str> = sections.into_iter().collect();
    let named = Regex::new(&format!(r"`((?:{})\.[a-z0-9_]+)(?: = [^`]*)?`", sections.join("|"))).unwrap();
    let mut missing = BTreeSet::new();
    // These two name settings of earlier versions.
    let documents = documents()
        .into_iter()
        .filter(|path| path != Path::new("CHANGELOG.md") && path != Path::new("docs/renamed.md"));
    for document in documents {
        for found in named.captures_iter(&read(&document)) {
            if !keys.contains(&found[1]) && !FILES_LIKE_SETTINGS.contains(&&found[1]) {
                missing.insert(format!("{}: {}", document.display(), &found[1]));
            }
        }
    }
    assert!(missing.is_empty(), "these settings do not exist: {missing:#?}");
}

#[test]
fn the_glossary_has_each_term_once() {
    let glossary = read("docs/design/glossary.md");
    let rows = glossary.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let terms: Vec<&str> = rows.filter(|term| *term != "term" && !term.starts_with("---")).collect();
    assert!(terms.len() > 60, "the terms are no longer found: {terms:?}");
    let mut known = BTreeSet::new();
    let twice: Vec<_> = terms.into_iter().filter(|term| !known.insert(*term)).collect();
    assert!(twice.is_empty(), "these terms have two definitions: {twice:?}");
}

#[test]
fn anchors_are_those_of_github() {
    let document =
        "# A page\n## GET /v1/jobs/{id}\n```sh\n# no heading\n```\n## [`Same`](x.md)\n## Same\n#no heading\n";
    let wanted = ["a-page", "get-v1jobsid", "same", "same-1"].map(str::to_owned);
    assert_eq!(anchors(document), BTreeSet::from(wanted));
}
