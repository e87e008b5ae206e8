//! Ansible's output as text for people: without colours, one line per line.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;

/// Control sequences (colours, cursor moves), operating-system commands (titles, links), two-character escapes.
#[expect(clippy::expect_used, reason = "the pattern is a constant, and a test compiles it")]
static ESCAPES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
        .expect("a valid pattern")
});

/// The text without terminal escape sequences.
#[must_use]
pub fn plain(text: &str) -> String {
    match ESCAPES.replace_all(text, "") {
        Cow::Borrowed(same) => same.to_owned(),
        Cow::Owned(changed) => changed,
    }
}

/// Line ends as they are everywhere but on a terminal: ansible-runner reads Ansible through one.
#[must_use]
pub fn unix_lines(text: &str) -> String {
    text.replace("\r\n", "\n").trim_end_matches('\r').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_go_and_letters_stay() {
        let shown = unix_lines("\u{1b}[0;32mok: [h\u{e9}llo \u{2713}]\u{1b}[0m\r\nnext\tcolumn\r");
        assert_eq!(plain(&shown), "ok: [h\u{e9}llo \u{2713}]\nnext\tcolumn");
    }
}
