//! The view that a run has of its content, and what it wrote there.
//!
//! ```text
//! the owner's tree --walk, copy what changed--> snapshot --overlay--> what the run sees, at the owner's path
//!                                                  '-----copy-----> where no overlay can be mounted
//! persistent paths of earlier runs ----------------^                    '--> artifacts, persistent paths
//! ```
//! So it costs a run the same whether the content has ten files or a hundred thousand, nothing that a run does reaches the
//! owner's files, and nothing that the owner does reaches a run.

pub mod artifacts;
mod build;
mod manifest;
mod persistent;
mod snapshot;
mod versions;
pub mod view;
mod walk;
mod written;

#[cfg(test)]
mod tests;

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use model::{Redactor, RunId};
use process::{
    mounts::{Bind, View},
    untrusted::remove_tree,
};
use serde::{Deserialize, Serialize};

use self::{
    artifacts::{Artifacts, WrittenTree},
    manifest::Entry,
    persistent::Layer,
    snapshot::Snapshot,
    view::Layers,
    written::Changes,
};
pub use self::{
    snapshot::prune,
    view::{Choice, Way},
};
use crate::{
    catalog::Root,
    source::{Source, Tree},
};

/// How runs get their content, and what becomes of what they write there.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Options {
    /// Where snapshots are.
    pub snapshots: PathBuf,
    /// Where persistent paths are.
    pub persistent: PathBuf,
    /// How a run sees its content.
    pub way: Way,
    /// Where its artifacts go, if they are kept.
    pub artifacts: Option<artifacts::Options>,
}

/// The content of a run.
#[derive(Debug)]
pub struct Content {
    trees: Vec<Seen>,
    /// The directory that contains all trees.
    base: PathBuf,
    way: Way,
    /// Where copies are, and upper layers, with room for what the run writes.
    room: PathBuf,
    /// What of it is the run's, by tree; opened before the run can put anything else there.
    written: Vec<Root>,
}

#[derive(Debug)]
struct Seen {
    tree: Tree,
    snapshot: Snapshot,
    layer: Option<Layer>,
}

impl Content {
    /// Takes snapshots of the trees; what earlier runs left is found.
    ///
    /// # Errors
    /// When something of them cannot be read, or a snapshot not be written.
    pub fn take(source: &Source, options: &Options, runtime: &Path) -> io::Result<Self> {
        let take = |tree: &Tree| {
            let snapshot = Snapshot::take(&options.snapshots, runtime, tree)?;
            let layer = Layer::take(&options.persistent, tree, &snapshot)?;
            Ok(Seen { tree: tree.clone(), snapshot, layer })
        };
        let trees = source.trees.iter().map(take).collect::<io::Result<Vec<Seen>>>()?;
        Ok(Self {
            base: common_base(&source.trees),
            trees,
            way: options.way,
            room: PathBuf::new(),
            written: Vec::new(),
        })
    }

    /// How much memory a copy takes, in bytes.
    pub fn bytes(&self) -> u64 {
        self.trees.iter().map(|seen| seen.snapshot.bytes()).fold(0, u64::saturating_add)
    }

    /// What is not in the snapshots, with the reason; paths as artifacts have them.
    pub fn left_out(&self, working_directory: &Path) -> Vec<(PathBuf, String)> {
        let of_tree = |seen: &Seen| -> Vec<(PathBuf, String)> {
            let prefix = prefix(&seen.tree, working_directory);
            seen.snapshot.left_out().iter().map(|(path, why)| (prefix.join(path), why.clone())).collect()
        };
        self.trees.iter().flat_map(of_tree).collect()
    }

    /// Makes what is to be made before the run: directories of overlays, or copies. Both are in `room`, which is made.
    pub fn lay_out(&mut self, room: PathBuf) -> io::Result<()> {
        self.room = room;
        make(&self.room)?;
        if self.way == Way::Copy {
            return self.copy();
        }
        for (number, seen) in self.trees.iter().enumerate() {
            let upper = self.upper(number);
            make(&self.room.join(number.to_string()))?;
            make(&upper)?;
            make(&self.work(number))?;
            // The root of an overlay shows what its upper layer has.
            if let Some(root) = seen.snapshot.root()? {
                build::set_owner(&upper, &root);
                fs::set_permissions(&upper, std::os::unix::fs::PermissionsExt::from_mode(root.mode))?;
                build::set_times(&upper, root.modified)?;
            }
        }
        self.written = self
            .trees
            .iter()
            .enumerate()
            .map(|(number, _)| open(&self.upper(number)))
            .collect::<io::Result<_>>()?;
        Ok(())
    }

    /// The directory that a sandbox must not show, though it is in one that the run owns.
    pub fn hidden_room(&self) -> Option<&Path> {
        (self.way != Way::Copy).then_some(&self.room)
    }

    /// Falls back to copies where overlays turn out not to work, in the same directory.
    pub fn ensure_copies(&mut self) -> io::Result<()> {
        if self.way == Way::Copy {
            return Ok(());
        }
        self.way = Way::Copy;
        remove_tree(&self.room)?;
        make(&self.room)?;
        self.copy()
    }

    fn copy(&mut self) -> io::Result<()> {
        for seen in &self.trees {
            let target = self.place(&seen.tree.root);
            DirBuilder::new().recursive(true).mode(0o700).create(&target)?;
            seen.snapshot.copy_to(&target)?;
            if let Some(layer) = &seen.layer {
                layer.put_over(&target)?;
            }
        }
        let places = self.trees.iter().map(|seen| open(&self.place(&seen.tree.root)));
        self.written = places.collect::<io::Result<_>>()?;
        Ok(())
    }

    fn upper(&self, number: usize) -> PathBuf {
        self.room.join(number.to_string()).join("upper")
    }

    fn work(&self, number: usize) -> PathBuf {
        self.room.join(number.to_string()).join("work")
    }

    /// The path at which the run sees this path of the content.
    pub fn place(&self, path: &Path) -> PathBuf {
        match self.way {
            Way::Copy => self.room.join(path.strip_prefix(&self.base).unwrap_or(path)),
            Way::Overlay | Way::UserOverlay => path.to_owned(),
        }
    }

    /// The path at which this process finds this path of the content.
    pub fn at(&self, path: &Path) -> PathBuf {
        let seen = self.trees.iter().find_map(|seen| Some((seen, path.strip_prefix(&seen.tree.root).ok()?)));
        match seen {
            _ if self.way == Way::Copy => self.place(path),
            None => path.to_owned(),
            Some((seen, below)) => {
                let kept = seen.layer.as_ref().and_then(Layer::tree).map(|tree| tree.join(below));
                kept.filter(|path| path.is_file()).unwrap_or_else(|| seen.snapshot.tree().join(below))
            }
        }
    }

    /// The directories that the run has the content in.
    pub fn roots(&self) -> Vec<PathBuf> {
        match self.way {
            Way::Copy => vec![self.room.clone()],
            Way::Overlay | Way::UserOverlay => self.trees.iter().map(|seen| seen.tree.root.clone()).collect(),
        }
    }

    /// The view that the run's process has to enter. `None` if it uses copies, or if the view can't be expressed.
    ///
    /// `needed` are paths in a tree that must be visible nevertheless. `scratch` is a directory for files of the view.
    pub fn view(&self, needed: &[PathBuf], scratch: &Path) -> io::Result<Option<View>> {
        if self.way == Way::Copy {
            return Ok(None);
        }
        let mut view = View { user_namespace: self.way == Way::UserOverlay, ..View::default() };
        for (number, seen) in self.trees.iter().enumerate() {
            let (snapshot, layer) = (seen.snapshot.tree(), seen.layer.as_ref().and_then(Layer::tree));
            let layers = Layers {
                lower: layer.iter().chain([&snapshot]).map(PathBuf::as_path).collect(),
                upper: &self.upper(number),
                work: &self.work(number),
            };
            let Some(overlay) = layers.overlay(&seen.tree.root, self.way) else { return Ok(None) };
            view.overlays.push(overlay);
        }
        view.binds = self.hidden(needed).map(|path| Bind { from: path.clone(), to: path }).collect();
        if view.user_namespace {
            view.binds.extend(view::for_ssh(scratch)?);
        }
        Ok(Some(view))
    }

    /// What of these an overlay would hide.
    fn hidden<'a>(&'a self, needed: &'a [PathBuf]) -> impl Iterator<Item = PathBuf> + 'a {
        let is_hidden = |path: &PathBuf| {
            self.trees.iter().any(|seen| {
                let below = path.strip_prefix(&seen.tree.root);
                below.is_ok_and(|below| fs::symlink_metadata(seen.snapshot.tree().join(below)).is_err())
            })
        };
        let found = needed.iter().filter_map(|path| path.canonicalize().ok());
        found.filter(is_hidden)
    }

    /// What the run wrote, by tree.
    fn changes(&self, written: &Root, seen: &Seen) -> io::Result<Changes> {
        // Most runs write nothing, and then it does not matter how much there is.
        if self.way != Way::Copy && written::is_empty(written)? {
            return Ok(Changes::new());
        }
        let entries = seen.snapshot.entries()?;
        let below: Vec<Entry> = match &seen.layer {
            Some(layer) => layer.over(entries),
            None => entries,
        };
        match self.way {
            Way::Copy => written::in_copy(written, &below),
            Way::Overlay | Way::UserOverlay => written::in_upper(written, &below),
        }
    }

    /// Keeps what the run wrote: files of persistent paths for later runs, others as artifacts. Returns warnings.
    pub fn keep(
        &self,
        run: RunId,
        working_directory: &Path,
        options: &Options,
        secrets: &Redactor,
    ) -> io::Result<(Artifacts, Vec<PathBuf>)> {
        let (mut trees, mut overtaken) = (Vec::new(), Vec::new());
        for (files, seen) in self.written.iter().zip(&self.trees) {
            let mut changes = self.changes(files, seen)?;
            let prefix = prefix(&seen.tree, working_directory);
            if let Some(layer) = &seen.layer {
                let (persistent, others) = changes
                    .into_iter()
                    .partition(|(path, _)| persistent::matches(&seen.tree.persistent, path));
                changes = others;
                let lost = layer.merge(run, &persistent, files, &seen.snapshot)?;
                overtaken.extend(lost.into_iter().map(|path| prefix.join(path)));
            }
            trees.push(WrittenTree { prefix, files, changes });
        }
        let artifacts = match &options.artifacts {
            Some(options) => artifacts::keep(options, &trees, secrets)?,
            None => Artifacts::default(),
        };
        Ok((artifacts, overtaken))
    }
}

/// The prefix of a tree's paths: none for the tree in which Ansible is started, otherwise the name of the tree.
fn prefix(tree: &Tree, working_directory: &Path) -> PathBuf {
    match tree.root.file_name() {
        Some(name) if !working_directory.starts_with(&tree.root) => PathBuf::from(name),
        _ => PathBuf::new(),
    }
}

fn open(path: &Path) -> io::Result<Root> {
    Root::open(path).map_err(io::Error::other)
}

fn make(path: &Path) -> io::Result<()> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    DirBuilder::new().mode(0o700).create(path).map_err(named)
}

/// The directory that contains all trees, so that copies have the same layout.
fn common_base(trees: &[Tree]) -> PathBuf {
    let mut parents = trees.iter().map(|tree| tree.root.parent().unwrap_or(&tree.root));
    let Some(first) = parents.next() else { return PathBuf::new() };
    let common = |base: &Path, other: &Path| -> PathBuf {
        base.components().zip(other.components()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect()
    };
    parents.fold(first.to_owned(), |base, parent| common(&base, parent))
}
