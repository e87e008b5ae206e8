//! Reads the modules of a crate from its root file: what each defines, imports, and names.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use syn::{Item, ItemMod, UseTree, Visibility, ext::IdentExt};

use crate::{
    attributes::{attributes, given_path, is_test},
    references::{Names, References},
    root,
};

/// A name of a module.
#[derive(Debug, Clone)]
pub(crate) enum Name {
    /// An item of the module itself.
    Defined,
    /// A module in it.
    Module(usize),
    /// Another name for what a path leads to.
    Use(Names),
}

/// A module of a crate.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) file: PathBuf,
    pub(crate) parent: Option<usize>,
    pub(crate) names: BTreeMap<String, Name>,
    /// Modules all of whose names are imported.
    pub(crate) globs: Vec<Names>,
    /// Every path that the code of the module names: its private imports, and what it uses. Re-exports are excluded.
    pub(crate) used: BTreeSet<Names>,
}

/// The modules of a crate; the first is its root.
#[derive(Debug, Default)]
pub(crate) struct Crate {
    pub(crate) modules: Vec<Module>,
    /// The files that define macros by example: their names need no path.
    pub(crate) macros: BTreeMap<String, PathBuf>,
}

impl Crate {
    /// Reads the crate whose root file this is.
    pub(crate) fn read(file: &Path) -> Self {
        let mut read = Self::default();
        let directory = file.parent().unwrap().to_owned();
        read.add_file(file, &directory, None);
        read
    }

    fn add_file(&mut self, file: &Path, children: &Path, parent: Option<usize>) -> usize {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.add(file, children, parent, &parsed.items)
    }

    fn add(&mut self, file: &Path, children: &Path, parent: Option<usize>, items: &[Item]) -> usize {
        let number = self.modules.len();
        self.modules.push(Module {
            file: file.to_owned(),
            parent,
            names: BTreeMap::new(),
            globs: Vec::new(),
            used: BTreeSet::new(),
        });
        for item in items.iter().filter(|item| !is_test(attributes(item))) {
            match item {
                Item::Mod(module) => {
                    let child = self.add_module(file, children, number, module);
                    self.modules[number].names.insert(module.ident.unraw().to_string(), Name::Module(child));
                }
                Item::Use(item) => {
                    let is_private = matches!(item.vis, Visibility::Inherited);
                    self.add_use(number, &item.tree, is_private);
                }
                Item::Macro(found) => {
                    if let Some(name) = &found.ident {
                        self.macros.insert(name.to_string(), file.to_owned());
                        self.modules[number].names.insert(name.to_string(), Name::Defined);
                    }
                    self.add_references(number, References::of(item));
                }
                other => {
                    if let Some(name) = defined(other) {
                        self.modules[number].names.insert(name, Name::Defined);
                    }
                    self.add_references(number, References::of(other));
                }
            }
        }
        number
    }

    fn add_references(&mut self, number: usize, references: References) {
        for tree in &references.imports {
            self.add_use(number, tree, true);
        }
        self.modules[number].used.extend(references.paths);
    }

    fn add_use(&mut self, number: usize, tree: &UseTree, is_private: bool) {
        let mut leaves = Vec::new();
        flatten(tree, &mut Vec::new(), &mut leaves);
        let module = &mut self.modules[number];
        for (path, name) in leaves {
            match name {
                None => module.globs.push(path),
                Some(name) => {
                    if is_private {
                        module.used.insert(path.clone());
                    }
                    // An item and a module may have the same name: what is here is no import.
                    module.names.entry(name).or_insert(Name::Use(path));
                }
            }
        }
    }

    fn add_module(&mut self, file: &Path, children: &Path, parent: usize, module: &ItemMod) -> usize {
        let name = module.ident.unraw().to_string();
        if let Some((_, items)) = &module.content {
            return self.add(file, &children.join(name), Some(parent), items);
        }
        if let Some(path) = given_path(&module.attrs) {
            let path = file.parent().unwrap().join(path);
            let children = path.parent().unwrap().to_owned();
            return self.add_file(&path, &children, Some(parent));
        }
        let beside = children.join(format!("{name}.rs"));
        let within = children.join(&name).join("mod.rs");
        let found = if root().join(&beside).is_file() { beside } else { within };
        self.add_file(&found, &children.join(name), Some(parent))
    }
}

/// The paths of an import, each with its local name. `None` means all names.
fn flatten(tree: &UseTree, path: &mut Names, leaves: &mut Vec<(Names, Option<String>)>) {
    match tree {
        UseTree::Path(inner) => {
            path.push(inner.ident.unraw().to_string());
            flatten(&inner.tree, path, leaves);
            path.pop();
        }
        UseTree::Name(name) if name.ident == "self" => leaves.push((path.clone(), path.last().cloned())),
        UseTree::Name(name) => {
            let name = name.ident.unraw().to_string();
            leaves.push(([path.as_slice(), std::slice::from_ref(&name)].concat(), Some(name)));
        }
        UseTree::Rename(rename) => {
            let name = rename.rename.unraw().to_string();
            let of_parent = rename.ident == "self";
            let whole = [path.as_slice(), &[rename.ident.unraw().to_string()]].concat();
            leaves.push((if of_parent { path.clone() } else { whole }, Some(name)));
        }
        UseTree::Glob(_) => leaves.push((path.clone(), None)),
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, path, leaves)),
    }
}

fn defined(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.unraw().to_string())
}
