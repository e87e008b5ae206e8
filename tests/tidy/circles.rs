//! Circles of files within each crate.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::{
    files_below,
    graph::{Graph, circles},
    packages,
    references::Names,
    root,
    scan::{Crate, Name},
};

/// Where a path leads to.
enum Target {
    Module(usize),
    /// An item that this module defines.
    Item(usize),
}

/// A chain of re-exports is never so long.
const MAX_STEPS: usize = 16;

impl Crate {
    /// Where a path leads that is written in a module; `None` when it leads out of the crate.
    fn resolve(&self, from: usize, path: &[String], steps: usize) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        let steps = steps.checked_sub(1)?;
        match first.as_str() {
            "crate" => self.walk(0, rest, steps),
            "self" => self.walk(from, rest, steps),
            "super" => self.walk(self.modules[from].parent?, rest, steps),
            _ => self.walk(from, path, steps),
        }
    }

    /// Continues from a module.
    fn walk(&self, module: usize, path: &[String], steps: usize) -> Option<Target> {
        let Some((first, rest)) = path.split_first() else { return Some(Target::Module(module)) };
        if first == "super" {
            return self.walk(self.modules[module].parent?, rest, steps);
        }
        match self.modules[module].names.get(first) {
            Some(Name::Defined) => Some(Target::Item(module)),
            Some(Name::Module(inner)) => self.walk(*inner, rest, steps),
            // `use other::other` names the other crate, not itself.
            Some(Name::Use(target)) if target.first() == Some(first) && target.len() == 1 => None,
            Some(Name::Use(target)) => {
                let target = [target.as_slice(), rest].concat();
                self.resolve(module, &target, steps.checked_sub(1)?)
            }
            None => self.modules[module].globs.iter().find_map(|glob| {
                let Some(Target::Module(all)) = self.resolve(module, glob, steps.checked_sub(1)?) else {
                    return None;
                };
                if all == module { None } else { self.walk(all, path, steps.checked_sub(1)?) }
            }),
        }
    }

    /// The files that the code of each file depends on, each with a path as evidence.
    fn dependencies(&self) -> BTreeMap<(PathBuf, PathBuf), Names> {
        let mut found = BTreeMap::new();
        for (number, module) in self.modules.iter().enumerate() {
            for path in &module.used {
                let file = match self.resolve(number, path, MAX_STEPS) {
                    Some(Target::Item(item)) => Some(&self.modules[item].file),
                    Some(Target::Module(_)) => None,
                    None if path.len() == 1 => self.macros.get(&path[0]),
                    None => None,
                };
                if let Some(file) = file.filter(|file| **file != module.file) {
                    found.entry((module.file.clone(), file.clone())).or_insert_with(|| path.clone());
                }
            }
        }
        found
    }
}

/// The root files of all crates of a package: library, programs, tests, measurements.
fn crate_roots(package: &Path) -> Vec<PathBuf> {
    let mut roots: Vec<PathBuf> =
        ["src/lib.rs", "src/main.rs", "build.rs"].map(|file| package.join(file)).to_vec();
    for directory in ["tests", "benches", "src/bin"].map(|directory| package.join(directory)) {
        let is_root = |path: &PathBuf| {
            let below = path.strip_prefix(&directory).unwrap();
            below.components().count() == 1 || below.components().count() == 2 && below.ends_with("main.rs")
        };
        roots.extend(files_below(&directory, "rs").into_iter().filter(is_root));
    }
    roots.retain(|file| root().join(file).is_file());
    roots
}

#[test]
fn no_files_of_a_crate_depend_on_each_other_in_a_circle() {
    let mut faults = Vec::new();
    for file in packages().iter().flat_map(|package| crate_roots(package)) {
        let dependencies = Crate::read(&file).dependencies();
        let mut graph: Graph<&Path> = Graph::new();
        for (from, to) in dependencies.keys() {
            graph.entry(from).or_default().insert(to);
        }
        for circle in circles(&graph) {
            let within = dependencies
                .iter()
                .filter(|((from, to), _)| circle.contains(&**from) && circle.contains(&**to));
            let lines = within.map(|((from, to), path)| {
                format!("  {} uses {}: `{}`", from.display(), to.display(), path.join("::"))
            });
            faults.push(lines.collect::<Vec<String>>().join("\n"));
        }
    }
    assert!(faults.is_empty(), "circles of files:\n\n{}\n", faults.join("\n\n"));
}
