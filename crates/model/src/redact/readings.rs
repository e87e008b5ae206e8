//! Other readings of a text: without invisible characters, and without spaces.
//!
//! Programs break secrets into lines (`base64`), put blanks, colors and colons between their characters (`digits.rs`), and
//! show them as dumps (`dumps.rs`). Each reading leaves something out and remembers where the rest was, so that what is found in it can be
//! masked in the text itself. All of them are made in one pass each.

use std::ops::Range;

/// The maximum number of backslashes before an escaped character: a text that is quoted three times has seven.
pub(super) const MOST_BACKSLASHES: usize = 7;

/// Parts of a text, one after the other.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) text: Vec<u8>,
    /// From which byte of the reading on the text is how many bytes ahead.
    gaps: Vec<(usize, usize)>,
}

impl Reading {
    /// Appends bytes at `place` of the text.
    pub(super) fn push(&mut self, bytes: &[u8], place: usize) {
        let ahead = place - self.text.len();
        if self.gaps.last().map_or(0, |(_, ahead)| *ahead) != ahead {
            self.gaps.push((self.text.len(), ahead));
        }
        self.text.extend_from_slice(bytes);
    }

    /// Takes the last byte back.
    pub(super) fn pop(&mut self) {
        self.text.pop();
        self.gaps.pop_if(|(from, _)| *from > self.text.len());
    }

    /// The same without blanks, as [`compact`] leaves them out.
    pub(super) fn compacted(self) -> Self {
        let text = String::from_utf8_lossy(&self.text);
        let Some(compact) = compact(&text).reading.filter(|_| text.len() == self.text.len()) else {
            return self;
        };
        let mut both = Self::default();
        for (at, byte) in compact.text.iter().enumerate() {
            both.push(&[*byte], self.place(&compact.place(&(at..at + 1))).start);
        }
        both
    }

    /// Where in the text a range of the reading is, with what was left out within it.
    pub(super) fn place(&self, range: &Range<usize>) -> Range<usize> {
        let place = |at: usize| {
            let gaps = self.gaps.partition_point(|(from, _)| *from <= at);
            at + gaps.checked_sub(1).map_or(0, |last| self.gaps[last].1)
        };
        if range.is_empty() {
            place(range.start)..place(range.start)
        } else {
            place(range.start)..place(range.end - 1) + 1
        }
    }
}

/// The result of a reading without spaces.
#[derive(Debug, Default)]
pub(super) struct Compact {
    /// Nothing when the text has no blanks.
    pub(super) reading: Option<Reading>,
    /// The text without what a screen does not show, when there is something.
    pub(super) shown: Option<Reading>,
}

/// The text without white space, colors, and separators of list items.
pub(super) fn compact(text: &str) -> Compact {
    let mut has_unseen = false;
    let reading = without(text, |rest| match rest {
        // By far the most common.
        [b' ', ..] => 1,
        _ => match unseen(rest) {
            0 => blank(rest),
            length => {
                has_unseen = true;
                length
            }
        },
    });
    Compact { reading, shown: if has_unseen { without(text, unseen) } else { None } }
}

/// The same as a separate text.
pub(super) fn compact_text(text: &str) -> String {
    match compact(text).reading {
        // Only whole characters are left out.
        Some(reading) => String::from_utf8_lossy(&reading.text).into_owned(),
        None => text.to_owned(),
    }
}

/// The text without the parts whose lengths `skip` returns; `None` if it returns none.
fn without(text: &str, mut skip: impl FnMut(&[u8]) -> usize) -> Option<Reading> {
    let bytes = text.as_bytes();
    let mut reading: Option<Reading> = None;
    let (mut kept_from, mut at) = (0, 0);
    while let Some(next) = bytes[at..].iter().position(|byte| IS_SPECIAL[usize::from(*byte)]) {
        at += next;
        match skip(&bytes[at..]) {
            0 => at += 1,
            length => {
                let reading = reading.get_or_insert_with(|| Reading {
                    text: Vec::with_capacity(bytes.len()),
                    gaps: Vec::new(),
                });
                reading.push(&bytes[kept_from..at], kept_from);
                at += length;
                kept_from = at;
            }
        }
    }
    if let Some(reading) = &mut reading {
        reading.push(&bytes[kept_from..], kept_from);
    }
    reading
}

/// First bytes of what may be left out.
static IS_SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = byte <= 0x20 || matches!(byte, 0x22 | 0x27 | 0x5c | 0x7f | 0xc2 | 0xe2 | 0xe3 | 0xef);
        byte += 1;
    }
    table
};

/// The length of what a screen does not show, at the beginning: control characters, colors and other sequences for
/// terminals (ECMA-48), as they are and escaped, and characters without a width.
pub(super) fn unseen(rest: &[u8]) -> usize {
    match *rest {
        [0x1b, ref after @ ..] => 1 + sequence(after),
        [0..=8 | 0x0b | 0x0c | 0x0e..=0x1f | 0x7f, ..] => 1,
        [b'\\', ..] => escaped_unseen(rest),
        [0xc2, 0x9b, ref after @ ..] => 2 + control_sequence(after).unwrap_or(0),
        [0xc2, 0x80..=0x9f | 0xad, ..] => 2,
        [0xe2, 0x80, 0x8b..=0x8f | 0xaa..=0xae, ..]
        | [0xe2, 0x81, 0xa0..=0xa4, ..]
        | [0xef, 0xbb, 0xbf, ..] => 3,
        _ => 0,
    }
}

/// The length of what belongs to an escape character before it.
fn sequence(after: &[u8]) -> usize {
    match *after {
        [b'[', ref after @ ..] => 1 + control_sequence(after).unwrap_or(0),
        [b']' | b'P' | b'X' | b'^' | b'_', ref after @ ..] => {
            // Up to its end, which is a bell or `ESC \`; without one it is no sequence.
            let length = after.iter().position(|byte| byte.is_ascii_control()).unwrap_or(0);
            match after[length..] {
                [7, ..] => length + 2,
                [0x1b, b'\\', ..] => length + 3,
                _ => 1,
            }
        }
        [b' '..=b'/', ..] => {
            let between = after.iter().take_while(|byte| (b' '..=b'/').contains(*byte)).count();
            between + usize::from(after.get(between).is_some_and(|byte| (b'0'..=b'~').contains(byte)))
        }
        [b'0'..=b'~', ..] => 1,
        _ => 0,
    }
}

/// The length of a control sequence after its introducer.
fn control_sequence(after: &[u8]) -> Option<usize> {
    let length = after.iter().take_while(|byte| (b' '..=b'?').contains(*byte)).count();
    after.get(length).filter(|byte| (b'@'..=b'~').contains(*byte)).map(|_| length + 1)
}

fn backslashes(rest: &[u8]) -> usize {
    rest.iter().take(MOST_BACKSLASHES).take_while(|byte| **byte == b'\\').count()
}

/// `\u001b[0m` as JSON writes it, `\x1b`, `\033` and `\e` as others do; `\u0000` and `\x00`.
fn escaped_unseen(rest: &[u8]) -> usize {
    let slashes = backslashes(rest);
    let after = &rest[slashes..];
    let begins =
        |what: &str| after.get(..what.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(what.as_bytes()));
    if let Some(zero) = ["u0000", "x00"].into_iter().find(|zero| begins(zero)) {
        return slashes + zero.len();
    }
    let Some(escape) = ["u001b", "x1b", "033", "e"].into_iter().find(|escape| begins(escape)) else {
        return 0;
    };
    match after[escape.len()..] {
        [b'[', ref after @ ..] => slashes + escape.len() + 1 + control_sequence(after).unwrap_or(0),
        _ => 0,
    }
}

/// The length of white space, of an escaped line end, or of a separator of list items.
fn blank(rest: &[u8]) -> usize {
    match *rest {
        [b'\n', ..] => {
            // A list of YAML has a dash before each item.
            let dash = 1 + rest[1..].iter().take_while(|byte| **byte == b' ').count();
            if rest[dash..].starts_with(b"- ") { dash + 2 } else { 1 }
        }
        [b' ' | b'\t' | b'\r', ..] => 1,
        [b'"' | b'\'', ..] => between_items(rest),
        [b'\\', ..] => match escaped_line_end(rest) {
            0 => between_items(rest),
            length => length,
        },
        _ => wide_blank(rest),
    }
}

/// `\n`, `\r` and `\t`.
pub(super) fn escaped_line_end(rest: &[u8]) -> usize {
    let slashes = backslashes(rest);
    if slashes > 0 && matches!(rest.get(slashes), Some(b'n' | b'r' | b't')) { slashes + 1 } else { 0 }
}

/// Spaces of other scripts and of typographers.
fn wide_blank(rest: &[u8]) -> usize {
    match *rest {
        [0xc2, 0xa0, ..] => 2,
        [0xe2, 0x80, 0x80..=0x8a | 0xa8 | 0xa9 | 0xaf, ..]
        | [0xe2, 0x81, 0x9f, ..]
        | [0xe3, 0x80, 0x80, ..] => 3,
        _ => 0,
    }
}

/// How many bytes of white space, escaped line ends and colors are at the beginning.
fn spaces(rest: &[u8]) -> usize {
    let mut length = 0;
    loop {
        let after = &rest[length..];
        length += match (after.first().is_some_and(u8::is_ascii_whitespace), unseen(after)) {
            (true, _) => 1,
            (false, 0) => match escaped_line_end(after) {
                0 => return length,
                end => end,
            },
            (false, unseen) => unseen,
        };
    }
}

/// The length of a quote, as it is or escaped.
pub(super) fn quote(rest: &[u8]) -> usize {
    let slashes = backslashes(rest);
    if matches!(rest.get(slashes), Some(b'"' | b'\'')) { slashes + 1 } else { 0 }
}

/// The length of `", "`, of `','`, of a quote, a line end, a dash and a quote.
fn between_items(rest: &[u8]) -> usize {
    let closing = quote(rest);
    let follows = rest.get(closing).copied().unwrap_or_default();
    if closing == 0 || (follows.is_ascii_graphic() && follows != b',' && follows != b'\\') {
        return 0;
    }
    let mut length = closing + spaces(&rest[closing..]);
    match rest[length..] {
        [b',', ..] => length += 1,
        [b'-', b' ', ..] => length += 2,
        _ => return 0,
    }
    length += spaces(&rest[length..]);
    if rest[length..].starts_with(&rest[..closing]) { length + closing } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_without_blanks_has_the_rest_in_its_place() {
        for (text, expected) in [
            ("ab cd\n  ef", "abcdef"),
            (r#"["ab", "cd"]"#, r#"["abcd"]"#),
            ("[\n    \"ab\",\n    \"cd\"\n]", r#"["abcd"]"#),
            ("- ab\n- cd", "-abcd"),
            ("- 'ab'\n  - 'cd'", "-'abcd'"),
            (r#"[\"ab\",\n  \"cd\"]"#, r#"[\"abcd\"]"#),
            ("\u{1b}[0;31ma\u{1b}[1mb\u{1b}[0m\u{1b}(B", "ab"),
            (r"\u001b[0;31ma\x1b[1mb\033[0mc\e[md", "abcd"),
            ("a\u{1b}]0;title\u{7}b\u{1b}]8;;http://x\u{1b}\\c\u{1b}]d", "abcd"),
            ("a\u{200b}b\u{a0}c\u{9b}1md\0e", "abcde"),
            (r"a\r\nb\\nc", "abc"),
            ("x\u{1b}", "x"),
            ("é\u{1b}[31mü", "éü"),
        ] {
            assert_eq!(compact_text(text), expected, "{text:?}");
            let reading = compact(text).reading.expect("something is left out");
            for at in 0..reading.text.len() {
                let place = reading.place(&(at..at + 1));
                assert_eq!(text.as_bytes()[place], reading.text[at..=at], "{text:?}");
            }
        }
    }

    #[test]
    fn what_has_no_blanks_needs_no_other_reading() {
        for text in ["", "abc", "\"a\":'b'", "a\\b", "é€"] {
            assert!(compact(text).reading.is_none(), "{text}");
        }
        assert!(compact("a b").shown.is_none());
        assert!(compact("a\u{1b}[0mb").shown.is_some());
    }
}
