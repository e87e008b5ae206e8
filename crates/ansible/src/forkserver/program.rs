//! The Python program of a fork server: it is part of the Rangehand binary and not stored in a file.

use crate::events::details;

/// The whole program as one text: its files, and code that makes modules of them.
pub(super) fn text() -> String {
    let files = [
        ("details", details::PROGRAM),
        ("events", include_str!("python/events.py")),
        ("surroundings", include_str!("../run/python/surroundings.py")),
        ("modules", include_str!("python/modules.py")),
        ("view", include_str!("python/view.py")),
        ("sandbox", include_str!("python/sandbox.py")),
        ("run", include_str!("python/run.py")),
        ("preload", include_str!("python/preload.py")),
        ("server", include_str!("python/server.py")),
    ];
    // Strings of JSON are valid in Python.
    let files: serde_json::Map<String, serde_json::Value> =
        files.into_iter().map(|(name, text)| (name.to_owned(), text.into())).collect();
    format!("FILES = {}\n{}", serde_json::Value::from(files), include_str!("python/begin.py"))
}
