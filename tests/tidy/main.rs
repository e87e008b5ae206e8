//! Rules about the source code that no compiler checks: circles of files, layers of crates, sizes and headers of files.
//!
//! # Circles
//!
//! File A depends on file B when A's code names an item that B defines, by any path: an import, a path in code, a type, a
//! macro. Files that depend on each other, directly or through others, are a circle. A circle can only be read as a whole, and
//! only be moved as a whole.
//!
//! - A path is followed to the file that defines the item, through all imports and re-exports on the way. So a parent that
//!   only declares and re-exports its children (`mod`, `pub use`) doesn't depend on them, and a child that names an item of a
//!   sibling through its parent depends on the sibling alone.
//! - A parent is a file like any other: if its own code uses an item of a child, and the child uses an item that the
//!   parent's file defines, that is a circle. Then the item belongs in a separate file.
//! - The name of a module alone is no dependency. What is named in it is.
//! - Tests within the code (`#[cfg(test)]`) don't count: they may use everything that they test.
//! - Visibilities (`pub(super)`) and comments don't count.
//!
//! Not visible here: methods, because a call doesn't name the file that has them, and names that macros build.
//!
//! # Layers
//!
//! A crate may depend only on those crates of the workspace that [`floors`] lists for it, and some libraries are reserved for few crates.
//!
//! # Files
//!
//! A file has at most 400 lines, except those of a list that may only shrink, and begins with a header (`//!`).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed test shows the line")]

mod attributes;
mod circles;
mod files;
mod floors;
mod graph;
mod references;
mod scan;

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The directories of the packages, relative to the root. That of the root itself is empty.
fn packages() -> Vec<PathBuf> {
    let crates = std::fs::read_dir(root().join("crates")).unwrap();
    let crates = crates.map(|entry| Path::new("crates").join(entry.unwrap().file_name()));
    let mut packages: Vec<PathBuf> =
        crates.filter(|path| root().join(path).join("Cargo.toml").is_file()).collect();
    packages.push(PathBuf::new());
    packages.sort();
    packages
}

/// All files below a directory of this extension, relative to the root.
fn files_below(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join(directory)];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}
