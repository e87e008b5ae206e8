//! Snapshots of small trees.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use super::{snapshot::Snapshot, snapshot::prune};
use crate::source::Tree;

/// A tree to take snapshots of, and a place for them.
struct Site {
    directory: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let site = Self { directory: tempfile::tempdir().expect("a directory") };
        for (path, text) in [
            ("root/a/b/file", "inside"),
            ("root/run.sh", "#!/bin/sh"),
            ("root/closed/file", "c"),
            ("root/.git/config", "x"),
            ("elsewhere/secrets/key", "k"),
            ("elsewhere/other", "o"),
        ] {
            site.write(path, text);
        }
        fs::set_permissions(site.path("root/run.sh"), Permissions::from_mode(0o750))
            .expect("the test owns it");
        fs::set_permissions(site.path("root/closed"), Permissions::from_mode(0o555))
            .expect("the test owns it");
        site
    }

    fn path(&self, path: &str) -> PathBuf {
        self.directory.path().canonicalize().expect("there").join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("below")).expect("writable");
        fs::write(path, text).expect("writable");
    }

    fn take(&self) -> Snapshot {
        self.take_with(&[])
    }

    /// The same when all changes are long enough ago to be distinguished from later ones.
    fn settled(&self) -> Snapshot {
        loop {
            let before = self.take().tree();
            let now = self.take();
            if now.tree() == before {
                return now;
            }
        }
    }

    fn take_with(&self, targets: &[&str]) -> Snapshot {
        let tree = Tree {
            root: self.path("root"),
            exclude: vec![".git".to_owned()],
            link_targets: targets.iter().map(|target| self.path(target)).collect(),
            persistent: Vec::new(),
        };
        Snapshot::take(&self.path("snapshots"), &self.path("runtime"), &tree).expect("readable")
    }

    fn why(snapshot: &Snapshot, path: &str) -> Option<String> {
        let found = snapshot.left_out().iter().find(|(left_out, _)| left_out == Path::new(path));
        found.map(|(_, why)| why.clone())
    }
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).expect("there").ino()
}

#[test]
fn a_snapshot_has_modes_times_and_links_and_is_taken_once() {
    let site = Site::new();
    symlink("../run.sh", site.path("root/a/up")).expect("writable");
    symlink(site.path("root/run.sh"), site.path("root/a/absolute")).expect("writable");
    symlink("gone", site.path("root/dangling")).expect("writable");
    let snapshot = site.settled();
    for path in ["a/b/file", "run.sh", "closed", "closed/file", "a", ""] {
        let (here, there) = (site.path("root").join(path), snapshot.tree().join(path));
        let of = |path: &Path| {
            let found = fs::metadata(path).expect("there");
            (found.mode(), found.mtime(), found.mtime_nsec(), found.uid())
        };
        assert_eq!(of(&here), of(&there), "{path}");
    }
    assert!(!snapshot.tree().join(".git").exists());
    assert_eq!(fs::read_link(snapshot.tree().join("a/up")).expect("a link"), Path::new("../run.sh"));
    assert_eq!(fs::read_link(snapshot.tree().join("a/absolute")).expect("a link"), site.path("root/run.sh"));
    assert_eq!(Site::why(&snapshot, "dangling").as_deref(), Some("the link leads nowhere"));
    assert_eq!(site.take().tree(), snapshot.tree());

    let copy = site.path("copy");
    fs::create_dir(&copy).expect("writable");
    snapshot.copy_to(&copy).expect("writable");
    assert_eq!(fs::read_link(copy.join("a/absolute")).expect("a link"), Path::new("../run.sh"));
    assert_ne!(inode(&copy.join("run.sh")), inode(&snapshot.tree().join("run.sh")));
    assert_eq!(fs::metadata(copy.join("closed")).expect("there").mode() & 0o777, 0o555);
}

#[test]
fn a_change_costs_what_changed_and_leaves_a_version_in_use_alone() {
    let site = Site::new();
    let first = site.settled();
    let unchanged = inode(&first.tree().join("a/b/file"));
    site.write("root/run.sh", "#!/bin/false");
    site.write("root/a/new", "new");
    let second = site.take();
    assert_ne!(first.tree(), second.tree());
    assert_eq!(fs::read_to_string(first.tree().join("run.sh")).expect("there"), "#!/bin/sh");
    assert_eq!(fs::read_to_string(second.tree().join("run.sh")).expect("there"), "#!/bin/false");
    assert!(!first.tree().join("a/new").exists() && second.tree().join("a/new").exists());
    assert_eq!(inode(&second.tree().join("a/b/file")), unchanged, "shared");

    let tree = inode(&second.tree());
    drop((first, second));
    fs::set_permissions(site.path("root/closed"), Permissions::from_mode(0o755)).expect("the test owns it");
    fs::remove_dir_all(site.path("root/closed")).expect("the test owns it");
    fs::remove_file(site.path("root/a/new")).expect("the test owns it");
    fs::create_dir(site.path("root/a/new")).expect("the test owns it");
    let third = site.settled();
    assert_eq!(inode(&third.tree()), tree, "the version that no run held was changed in place");
    assert!(third.tree().join("a/new").is_dir() && !third.tree().join("closed").exists());
    assert_eq!(inode(&third.tree().join("a/b/file")), unchanged);

    assert_eq!(prune(&site.path("snapshots")).expect("possible"), 1);
    assert!(third.tree().exists());
}

#[test]
fn an_edit_of_the_same_size_right_after_a_snapshot_is_seen() {
    let site = Site::new();
    for text in ["one", "two", "six", "ten"] {
        site.write("root/run.sh", text);
        assert_eq!(fs::read_to_string(site.take().tree().join("run.sh")).expect("there"), text);
    }
}

#[test]
fn links_lead_outside_only_to_directories_that_are_named() {
    let site = Site::new();
    symlink(site.path("elsewhere/secrets"), site.path("root/secrets")).expect("writable");
    symlink("../../elsewhere/other", site.path("root/a/other")).expect("writable");
    symlink("..", site.path("elsewhere/secrets/around")).expect("writable");
    let without = site.take();
    let why = Site::why(&without, "secrets").expect("left out");
    assert!(why.contains("elsewhere/secrets") && why.contains("paths.link_targets"), "{why}");
    assert!(!without.tree().join("secrets").exists());

    let with = site.take_with(&["elsewhere/secrets"]);
    assert_eq!(fs::read_to_string(with.tree().join("secrets/key")).expect("followed"), "k");
    assert!(fs::symlink_metadata(with.tree().join("secrets")).expect("there").is_dir());
    assert!(Site::why(&with, "a/other").is_some() && Site::why(&with, "secrets/around").is_some());
    // What it leads to is watched as well.
    drop(with);
    site.write("elsewhere/secrets/key", "changed");
    let with = site.take_with(&["elsewhere/secrets", "elsewhere"]);
    assert_eq!(fs::read_to_string(with.tree().join("secrets/key")).expect("followed"), "changed");
    assert_eq!(fs::read_to_string(with.tree().join("a/other")).expect("followed"), "o");
}
