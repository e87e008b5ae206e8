//! Sizes and headers of files.

use std::{fs, path::PathBuf};

use crate::{files_below, packages, root};

/// The most lines that a file may have.
const MAX_LINES: usize = 400;

/// Files that are longer, with the most lines that they may have. The list may only shrink: a file that is split goes from
/// it, and no file is added.
const LONGER: &[(&str, usize)] = &[("tests/api/secrets/canary/mod.rs", 434)];

/// All Rust files of the workspace.
fn sources() -> Vec<PathBuf> {
    let directories = packages()
        .into_iter()
        .flat_map(|package| ["src", "tests", "benches"].map(|directory| package.join(directory)));
    directories.flat_map(|directory| files_below(&directory, "rs")).collect()
}

#[test]
fn a_file_has_at_most_400_lines() {
    let mut faults = Vec::new();
    let mut longer: Vec<&str> = LONGER.iter().map(|(path, _)| *path).collect();
    for path in sources() {
        let lines = fs::read_to_string(root().join(&path)).unwrap().lines().count();
        let path = path.to_str().unwrap();
        let listed = LONGER.iter().find(|(listed, _)| *listed == path).map(|(_, most)| *most);
        longer.retain(|listed| *listed != path);
        match listed {
            None if lines > MAX_LINES => faults.push(format!("`{path}` has {lines} lines: split it")),
            Some(most) if lines > most => {
                faults.push(format!("`{path}` has {lines} lines, and had {most}: it may only shrink"));
            }
            Some(_) if lines <= MAX_LINES => {
                faults.push(format!("`{path}` has {lines} lines only: remove it from the list"));
            }
            _ => {}
        }
    }
    faults.extend(longer.iter().map(|path| format!("`{path}` is listed as too long and doesn't exist")));
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_file_begins_with_what_it_is_for() {
    let has_none = |path: &PathBuf| !fs::read_to_string(root().join(path)).unwrap().starts_with("//! ");
    let without: Vec<PathBuf> = sources().into_iter().filter(has_none).collect();
    assert!(without.is_empty(), "these files have no header `//!`: {without:#?}");
}
