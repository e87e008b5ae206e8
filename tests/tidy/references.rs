//! The paths that an item of Rust names.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;
use syn::{
    ImplItemFn, Item, ItemUse, Macro, Path, UseTree, Visibility,
    ext::IdentExt,
    visit::{self, Visit},
};

use crate::attributes::{attributes, is_test};

/// A text within the tokens of a macro.
static TEXT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r##"(?s)b?r?#*"(?:\\.|[^"\\])*"#*"##).unwrap());
/// What looks like a path.
static PATH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:\$ ?)?[A-Za-z_][A-Za-z0-9_]*(?: ?:: ?[A-Za-z_][A-Za-z0-9_]*)*").unwrap()
});

/// A path as it is written: `crate::a::B` has three parts.
pub(crate) type Names = Vec<String>;

/// What an item names.
#[derive(Default)]
pub(crate) struct References {
    pub(crate) paths: BTreeSet<Names>,
    /// Imports within functions.
    pub(crate) imports: Vec<UseTree>,
}

impl References {
    pub(crate) fn of(item: &Item) -> Self {
        let mut references = Self::default();
        references.visit_item(item);
        references
    }

    /// Arguments of a macro are not parsed as Rust: everything that resembles a path in them counts as one.
    fn add_tokens(&mut self, tokens: &str) {
        let text = TEXT.replace_all(tokens, "");
        for found in PATH.find_iter(&text) {
            let names: Names = found
                .as_str()
                .split("::")
                .map(|name| name.trim().trim_start_matches(['$', ' ']).to_owned())
                .collect();
            // A single word may as well be a variable or a field.
            let is_type = names[0].starts_with(|first: char| first.is_ascii_uppercase());
            let is_called = text[found.end()..].trim_start().starts_with(['(', '!']);
            if names.len() > 1 || is_type || is_called {
                self.paths.insert(names);
            }
        }
    }
}

impl<'ast> Visit<'ast> for References {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        if !is_test(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.imports.push(item.tree.clone());
    }

    /// `pub(in path)` names no item.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_path(&mut self, path: &'ast Path) {
        if path.leading_colon.is_none() {
            self.paths
                .insert(path.segments.iter().map(|segment| segment.ident.unraw().to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, found: &'ast Macro) {
        self.add_tokens(&found.tokens.to_string());
        visit::visit_macro(self, found);
    }
}
