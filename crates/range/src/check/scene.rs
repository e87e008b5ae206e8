//! The input of all checks.

use std::collections::HashMap;

use crate::{
    document::Document, layout::Layout, platform_rules::PlatformRules, routing::Routing, selection::Selection,
};

/// The input of all checks.
pub(crate) struct Scene<'a> {
    pub(super) document: &'a Document,
    pub(super) layout: &'a Layout<'a>,
    pub(super) routing: &'a Routing,
    pub(super) selection: &'a Selection<'a>,
    pub(super) rules: &'a PlatformRules,
    pub(super) tasks: HashMap<&'a str, usize>,
}

impl<'a> Scene<'a> {
    /// The places of all tasks, by name.
    pub(super) const fn tasks(&self) -> &HashMap<&'a str, usize> {
        &self.tasks
    }
}
