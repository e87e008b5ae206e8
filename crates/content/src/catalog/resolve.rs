//! Resolves a checked name to its file.

use std::path::{Path, PathBuf};

use model::{ContentKind, ContentName, ContentRef};
use rustix::fs::FileType;

use super::{
    BeneathError, Catalog, Error, Options, Places, Root,
    entries::{is_yaml, type_of},
    inventory::Purpose,
    list::nearest,
    playbook::{MAIN, is_playbook},
};

/// How many names are suggested when none is like the requested one.
const SOME: usize = 3;

/// Where a piece of content is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The root that contains it, as configured.
    pub root: PathBuf,
    /// The playbook file, or the inventory file or directory, relative to the root.
    pub path: PathBuf,
}

/// A located piece of content with its root still open.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) root: Root,
    /// The position of the root among those of its kind.
    pub(super) index: usize,
    pub(super) path: PathBuf,
}

impl Catalog {
    /// The file of a playbook, a bundle (`bundles/<name>/main.yml`) or a scenario (`scenarios/<name>/main.yml`).
    ///
    /// Further playbooks next to a `main.yml` are bundles or scenarios, too: `demo_lab/main_vms_only` is
    /// `scenarios/demo_lab/main_vms_only.yml`. The name of a playbook can have the extension `.yml` or `.yaml`, and its file can be
    /// anywhere below a root: `bundles/x/init.yml` is a further playbook of a bundle. Only regular files are found.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::LeavesRoot`], [`Error::Io`].
    pub fn resolve(&self, content: &ContentRef) -> Result<Located, Error> {
        self.locate(content.kind(), content.name(), Purpose::Run)
    }

    /// The file or the directory of an inventory, named with or without its extension.
    ///
    /// # Errors
    /// As [`Self::resolve`]; also [`Error::NotFound`] when several files differ only in their extension.
    pub fn resolve_inventory(&self, name: &ContentName) -> Result<Located, Error> {
        self.locate(ContentKind::Inventory, name, Purpose::Run)
    }

    /// The same for an inspection: a program that no setting names is not an inventory there.
    ///
    /// # Errors
    /// As [`Self::resolve_inventory`].
    pub fn resolve_inventory_to_inspect(&self, name: &ContentName) -> Result<Located, Error> {
        self.locate(ContentKind::Inventory, name, Purpose::Look)
    }

    fn locate(&self, kind: ContentKind, name: &ContentName, purpose: Purpose) -> Result<Located, Error> {
        let found = self.find(kind, name, purpose)?;
        Ok(Located { root: self.roots(kind)[found.index].clone(), path: found.path })
    }

    pub(super) fn find(
        &self,
        kind: ContentKind,
        name: &ContentName,
        purpose: Purpose,
    ) -> Result<Found, Error> {
        if let Some(found) = self.find_in_roots(kind, name, purpose)? {
            return Ok(found);
        }
        let names = self.names(kind);
        let mut like_it = nearest(name, &names);
        // There are few inventories: if no name is similar, the error lists some of them.
        if like_it.is_empty() && kind == ContentKind::Inventory {
            like_it = names.iter().take(SOME).map(ToString::to_string).collect();
        }
        Err(Error::NotFound { kind, name: name.clone(), nearest: like_it })
    }

    pub(super) fn find_in_roots(
        &self,
        kind: ContentKind,
        name: &ContentName,
        purpose: Purpose,
    ) -> Result<Option<Found>, Error> {
        for (index, directory) in self.search_order(kind, name) {
            let opened = self.open_root(directory).map_err(|error| Error::from_beneath(kind, name, error))?;
            let Some(root) = opened else { continue };
            let path = find_beneath(&root, kind, name, &self.options, purpose)
                .map_err(|error| Error::from_beneath(kind, name, error).seen_from(root.path()))?;
            if let Some(path) = path {
                return Ok(Some(Found { root, index, path }));
            }
        }
        Ok(None)
    }
}

fn find_beneath(
    root: &Root,
    kind: ContentKind,
    name: &ContentName,
    options: &Options,
    purpose: Purpose,
) -> Result<Option<PathBuf>, BeneathError> {
    let wanted = if kind == ContentKind::Inventory {
        super::inventory::find(root, name, options, purpose)?
    } else {
        match first_file(root, &playbook_files(kind, name, &options.places))? {
            Some(path) => Some(path),
            None => further_entry(root, kind, name, &options.places)?,
        }
    };
    let Some(path) = wanted else { return Ok(None) };
    if let Some(directory) = own_directory(root, kind, &path, &options.places)
        && let Some(link) = leaving_link(root, &directory)?
    {
        return Err(BeneathError::Leaves(link));
    }
    Ok(Some(path))
}

/// The files that a name may mean, the preferred one first.
fn playbook_files(kind: ContentKind, name: &ContentName, places: &Places) -> Vec<PathBuf> {
    let name = name.as_str();
    let main = |top: &PathBuf| top.join(name).join("main.yml");
    match kind {
        ContentKind::Bundle => places.bundles.iter().map(main).collect(),
        ContentKind::Scenario => places.scenarios.iter().map(main).collect(),
        ContentKind::Playbook => {
            let exact = is_yaml(Path::new(name)).then(|| name.to_owned());
            let names: Vec<String> =
                exact.into_iter().chain([format!("{name}.yml"), format!("{name}.yaml")]).collect();
            places
                .playbook_directories
                .iter()
                .flat_map(|top| names.iter().map(|name| top.join(name)))
                .collect()
        }
        ContentKind::Inventory => Vec::new(),
    }
}

/// A playbook next to the `main.yml` of a bundle or a scenario that a name can refer to.
fn further_entry(
    root: &Root,
    kind: ContentKind,
    name: &ContentName,
    places: &Places,
) -> Result<Option<PathBuf>, BeneathError> {
    let trees = match kind {
        ContentKind::Bundle => &places.bundles,
        ContentKind::Scenario => &places.scenarios,
        ContentKind::Playbook | ContentKind::Inventory => return Ok(None),
    };
    let Some((bundle, entry)) = name.as_str().rsplit_once('/').filter(|(_, entry)| *entry != "main") else {
        return Ok(None);
    };
    let directories = trees.iter().map(|tree| tree.join(bundle));
    for directory in directories.filter(|directory| root.is_file(&directory.join(MAIN))) {
        let files = ["yml", "yaml"].map(|extension| directory.join(format!("{entry}.{extension}")));
        if let Some(path) = first_file(root, &files)?.filter(|path| is_playbook(root, path)) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

fn first_file(root: &Root, files: &[PathBuf]) -> Result<Option<PathBuf>, BeneathError> {
    for file in files {
        if let Some(FileType::RegularFile) = type_of(root, file)? {
            return Ok(Some(file.clone()));
        }
    }
    Ok(None)
}

/// The directory in which every link must stay inside the root: all that belongs to the content alone.
///
/// A playbook below `bundles/` or `scenarios/` answers for the nearest directory that is a bundle or a
/// scenario, so that asking for its file by name is no way around the check.
fn own_directory(root: &Root, kind: ContentKind, path: &Path, places: &Places) -> Option<PathBuf> {
    let parent = path.parent()?;
    match kind {
        ContentKind::Bundle | ContentKind::Scenario => Some(parent.to_owned()),
        ContentKind::Inventory => root.is_directory(path).then(|| path.to_owned()),
        ContentKind::Playbook => {
            let tree = places.trees().find(|tree| parent.starts_with(tree) && parent != *tree)?;
            let own = parent.ancestors().take_while(|directory| *directory != tree);
            let mut own = own.filter(|directory| root.is_file(&directory.join("main.yml")));
            Some(own.next().unwrap_or(parent).to_owned())
        }
    }
}

/// A link below `directory` that leads out of the root. Links to directories are not entered.
fn leaving_link(root: &Root, directory: &Path) -> Result<Option<PathBuf>, BeneathError> {
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for (name, file_type) in root.entries(&directory)? {
            let path = directory.join(name);
            match file_type {
                FileType::Directory => open.push(path),
                FileType::Symlink => match type_of(root, &path) {
                    Ok(_) => {}
                    Err(BeneathError::Leaves(_)) => return Ok(Some(path)),
                    Err(error) => return Err(error),
                },
                _ => {}
            }
        }
    }
    Ok(None)
}
