//! The Python program of a fork server: it is part of the Rangehand binary and not stored in a file.

use crate::events::details;

/// The program of a host, as one text: its files, and what makes modules of them.
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
        ("host", include_str!("python/host.py")),
    ];
    // JSON's strings are Python's, too.
    let files: serde_json::Map<String, serde_json::Value> =
        files.into_iter().map(|(name, text)| (name.to_owned(), text.into())).collect();
    format!("FILES = {}\n{}", serde_json::Value::from(files), include_str!("python/begin.py"))
}
