//! Every public name that was renamed, as the document `docs/renamed.md`.

use std::fmt::Write as _;

use api::{RENAMED_FIELDS, RENAMED_IN_WARNINGS, RenamedField};

use crate::{http::metrics, settings};

const HEAD: &str = "<!-- Made from the tables of renamed names: UPDATE_DOCS=1 cargo test --test docs -->

# Renamed

Names that were renamed. An old name works for one release after that, as each section describes; the version before knows only the
old ones. [CHANGELOG.md](../CHANGELOG.md) has the release.

";

const SETTINGS: &str = "## Settings

Rangehand accepts the old name in settings files and in the environment, and logs a warning that contains the new one.
`rangehand doctor` has the same warning. Rangehand refuses to start if a setting has different values under its two names.

| old name | new name | old environment variable | new environment variable |
| --- | --- | --- | --- |
";

const FIELDS: &str = "
## Fields of replies

Replies of `/v1` have both fields. The OpenAPI document marks the old one as `deprecated`. No field of a request was renamed.

| schema | old name | new name |
| --- | --- | --- |
";

const WARNINGS: &str = "
## Fields of warnings

The fields of the data of `warning` events, and of the `warnings` of a job. Replies and streams have both, also in events that an
earlier version stored.

| code | old name | new name |
| --- | --- | --- |
";

const METRICS: &str = "
## Metrics

`/metrics` exports both. The `HELP` text of the old one starts with `Deprecated`.

| old name | new name |
| --- | --- |
";

/// `docs/renamed.md`.
#[must_use]
pub fn document() -> String {
    let mut text = format!("{HEAD}{SETTINGS}");
    for row in settings::RENAMED {
        let (old, new) = (row.old, row.new);
        let (old_variable, new_variable) = (settings::variable_of(old), settings::variable_of(new));
        let _ = writeln!(text, "| `{old}` | `{new}` | `{old_variable}` | `{new_variable}` |");
    }
    text.push_str(FIELDS);
    for RenamedField { of, old, new } in RENAMED_FIELDS.iter().copied().flatten() {
        let _ = writeln!(text, "| `{of}` | `{old}` | `{new}` |");
    }
    text.push_str(WARNINGS);
    for RenamedField { of, old, new } in RENAMED_IN_WARNINGS {
        let _ = writeln!(text, "| `{of}` | `{old}` | `{new}` |");
    }
    text.push_str(METRICS);
    for metric in metrics::RENAMED {
        let _ = writeln!(text, "| `{}` | `{}` |", metric.old, metric.new);
    }
    text
}
