//! Tests of the catalog with separate directory trees, and with real Ansible.

mod fuzz;
mod inspect;
mod list;
mod resolve;

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use model::{ContentKind, ContentName, ContentRef};
use tempfile::TempDir;

use super::{Catalog, Opening, Options, Places};

/// Both methods of opening files. The same must be true of both.
const OPENINGS: [Opening; 2] = [Opening::Kernel, Opening::Canonical];

/// A play that Ansible can list.
const PLAY: &str =
    "- name: a play\n  hosts: localhost\n  gather_facts: false\n  tasks:\n    - ansible.builtin.ping:\n";

/// A directory with two playbooks roots, an inventory root and something outside of all of them.
struct Site {
    directory: TempDir,
}

impl Site {
    fn new() -> Self {
        let site = Self { directory: tempfile::tempdir().unwrap() };
        for name in ["local", "public", "inventory", "outside"] {
            fs::create_dir(site.path(name)).unwrap();
        }
        site
    }

    fn path(&self, relative: &str) -> PathBuf {
        // The path of the temporary directory can contain a link.
        self.directory.path().canonicalize().unwrap().join(relative)
    }

    fn write(&self, relative: &str, text: &str) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn link(&self, relative: &str, target: impl AsRef<Path>) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }

    fn options(&self) -> Options {
        Options {
            playbooks_roots: vec![self.path("local"), self.path("public")],
            bundles_root: None,
            inventory_root: self.path("inventory"),
            exclude: vec!["excluded".to_owned()],
            ..Options::default()
        }
    }

    fn catalog(&self) -> Catalog {
        Catalog::new(self.options())
    }

    fn catalog_by(&self, opening: Opening) -> Catalog {
        Catalog { opening, ..self.catalog() }
    }

    /// The bundles with odd names, links and ends that an operator's tree may hold.
    fn with_odd_bundles() -> Self {
        let site = Self::new();
        let bundles = "public/bundles";
        let outside = site.write("outside/main.yml", PLAY);
        site.write("outside/secret.txt", "TEXT-FROM-OUTSIDE\n");
        for name in ["ping", ".hidden", "-dash", "tools/v1.2-beta", "innerlink", "deeplink", "dangling"] {
            site.write(&format!("{bundles}/{name}/main.yml"), PLAY);
        }
        site.link(&format!("{bundles}/linkdir"), site.path("outside"));
        site.link(&format!("{bundles}/evilfile/main.yml"), outside);
        site.link(&format!("{bundles}/linkfile/main.yml"), "../ping/main.yml");
        site.link(&format!("{bundles}/abslink/main.yml"), site.path("public/bundles/ping/main.yml"));
        site.link(&format!("{bundles}/innerlink/linked.txt"), site.path("outside/secret.txt"));
        site.link(&format!("{bundles}/deeplink/files/more"), site.path("outside"));
        site.link(&format!("{bundles}/dangling/broken"), "/nonexistent");
        site.link(&format!("{bundles}/gone"), "/nonexistent");
        site.link(&format!("{bundles}/loop/main.yml"), "main.yml");
        site.write(&format!("{bundles}/nomain/readme.md"), "");
        fs::create_dir_all(site.path(&format!("{bundles}/dirmain/main.yml"))).unwrap();
        site.write(&format!("{bundles}/badyaml/main.yml"), "- hosts: [\n  tasks");
        site
    }
}

fn name(text: &str) -> ContentName {
    text.parse().unwrap()
}

fn playbook(text: &str) -> ContentRef {
    ContentRef::Playbook(name(text))
}

fn bundle(text: &str) -> ContentRef {
    ContentRef::Bundle(name(text))
}

fn scenario(text: &str) -> ContentRef {
    ContentRef::Scenario(name(text))
}

fn listed(catalog: &Catalog, kind: ContentKind) -> Vec<String> {
    catalog.list(kind).unwrap().into_iter().map(|entry| entry.name.to_string()).collect()
}
