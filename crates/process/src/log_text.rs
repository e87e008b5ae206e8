//! Ansible's output as text for people: without control sequences, or with colors only, one line per line.
//!
//! A terminal obeys what it is sent: titles, the clipboard, answers typed in the user's name. No text that people read
//! with `cat` or `curl` has any of it.

use std::{borrow::Cow, sync::LazyLock};

use regex::{Captures, Regex};

/// Control functions of terminals (ECMA-48): control sequences (colors in a separate group, cursor movements), strings (titles,
/// links, the clipboard), other escapes, and control characters except line end and tab. An unterminated string is text.
#[expect(clippy::expect_used, reason = "the pattern is a constant, and a test compiles it")]
static CONTROLS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?<color>\x1b\[[0-9;:]*m)",
        r"|(?:\x1b\[|\x{9b})[0-?]*[ -/]*[@-~]",
        r"|(?:\x1b[\]PX^_]|[\x{90}\x{98}\x{9d}-\x{9f}])(?:[^\x07\x1b\x{9c}\n]*(?:\x07|\x1b\\|\x{9c}))?",
        r"|\x1b(?:[ -/]+[0-~]|[0-Z\\^-~])?",
        r"|[\x00-\x08\x0b-\x1f\x7f-\x{9f}]",
    ))
    .expect("a valid pattern")
});

/// The text without terminal escape sequences and control characters.
#[must_use]
pub fn plain(text: &str) -> String {
    without(text, |_| "")
}

/// The text with its colors, and without anything else that a terminal obeys.
#[must_use]
pub fn colored(text: &str) -> String {
    without(text, |found| found.name("color").map_or("", |color| color.as_str()))
}

fn without(text: &str, keep: impl for<'a> Fn(&'a Captures<'_>) -> &'a str) -> String {
    match CONTROLS.replace_all(text, |found: &Captures<'_>| keep(found).to_owned()) {
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

    #[test]
    fn a_terminal_is_sent_colors_and_nothing_else() {
        for (text, shown, with_colors) in [
            ("\u{1b}]0;title\u{7}a\u{1b}]52;c;aGk=\u{1b}\\b", "ab", "ab"),
            ("\u{1b}Pq#0\u{1b}\\a\u{1b}_x\u{1b}\\b\u{1b}^y\u{1b}\\c", "abc", "abc"),
            ("\u{9d}0;title\u{9c}a\u{9b}31mb", "ab", "ab"),
            ("\u{1b}[2J\u{1b}[1;1Ha\u{1b}[6n\u{1b}c\u{1b}(Bb", "ab", "ab"),
            ("\u{1b}[1;31mred\u{1b}[0m", "red", "\u{1b}[1;31mred\u{1b}[0m"),
            ("a\u{8}\u{8}b\rc\u{7}\0d\u{7f}", "abcd", "abcd"),
            ("\u{1b}\u{1b}[m[31m", "[31m", "\u{1b}[m[31m"),
            ("\u{1b}]0;never ends\nnext", "0;never ends\nnext", "0;never ends\nnext"),
            ("line\n\ttab é\u{2713}", "line\n\ttab é\u{2713}", "line\n\ttab é\u{2713}"),
        ] {
            assert_eq!((plain(text).as_str(), colored(text).as_str()), (shown, with_colors), "{text:?}");
        }
    }
}
