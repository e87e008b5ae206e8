//! The checks of a document, all at once: what its form cannot say.

mod addresses;
mod cycles;
mod platform;
mod references;
mod scene;
mod tasks;
pub mod tree;

use serde_json::Value;

use self::scene::Scene;
use crate::{
    Faults,
    document::{
        Document, TopologyKind,
        text::{self, Format},
    },
    layout::Layout,
    platform_rules::PlatformRules,
    routing::Routing,
    selection::Selection,
};

/// Records every fault of a document on a platform.
pub fn check(document: &Document, rules: &PlatformRules, faults: &mut Faults) {
    let layout = Layout::new(document);
    let routing = Routing::new(&layout);
    let selection = Selection::new(&layout);
    let tasks = document.tasks.iter().enumerate().map(|(place, task)| (task.name.as_str(), place)).collect();
    let scene = Scene { document, layout: &layout, routing: &routing, selection: &selection, rules, tasks };
    references::check(&scene, faults);
    tasks::check(&scene, faults);
    cycles::check(&scene, faults);
    addresses::check(&scene, faults);
    platform::check(&scene, faults);
    if document.kind == TopologyKind::Tree {
        tree::check(document, faults);
    }
}

/// Reads and checks a document.
///
/// # Errors
/// All faults of its form and of the checks.
pub fn read_value(value: &Value, rules: &PlatformRules) -> Result<Document, Faults> {
    let mut faults = Faults::default();
    match Document::read_value(value, &mut faults) {
        None => Err(faults),
        Some(document) => {
            check(&document, rules, &mut faults);
            faults.result(document)
        }
    }
}

/// Reads and checks a document from its text.
///
/// # Errors
/// All faults of the text, of its form, and of the checks.
pub fn read_text(text: &str, format: Format, rules: &PlatformRules) -> Result<Document, Faults> {
    read_value(&text::parse(text, format)?, rules)
}
