//! A reading of a text that contains only its hexadecimal digits.

use std::ops::Range;

use super::readings::{Reading, unseen};

/// Shorter runs of digits are ignored.
pub(super) const SHORTEST_DIGITS: usize = 12;

/// The hexadecimal digits of a text, in lower case: of each run with enough digits, with any separators between them
/// (`68:75`, `0x68, 0x75`, `\x68\x75`, `%68%75`). A letter that is not a digit ends a run.
pub(super) fn digits(text: &str) -> Reading {
    let bytes = text.as_bytes();
    let mut reading = Reading::default();
    let (mut run, mut count, mut at) = (0, 0, 0);
    while at < bytes.len() {
        if count == 0 {
            at = next_run(bytes, at);
            run = at;
        }
        if at == bytes.len() {
            break;
        }
        if bytes[at].is_ascii_hexdigit() {
            count += 1;
            at += 1;
        } else if let Some(length) = between_digits(bytes, at) {
            at += length;
        } else {
            if count >= SHORTEST_DIGITS {
                push_digits(&mut reading, bytes, run..at);
            }
            count = 0;
            at += 1;
        }
    }
    if count >= SHORTEST_DIGITS {
        push_digits(&mut reading, bytes, run..at);
    }
    reading
}

/// The next digit at which a run can be long enough. The bytes of a possible run are checked from its end: most letters end a run,
/// so few bytes are read.
fn next_run(bytes: &[u8], mut at: usize) -> usize {
    while at + SHORTEST_DIGITS <= bytes.len() {
        let window = at..at + SHORTEST_DIGITS;
        at = match window.clone().rev().find(|place| ends_a_run(bytes, *place)) {
            Some(last) => last + 1,
            None => match window.clone().find(|place| bytes[*place].is_ascii_hexdigit()) {
                Some(first) if first == window.start => return first,
                first => first.unwrap_or(window.end),
            },
        };
    }
    bytes.len()
}

/// Is it a letter that cannot be within a run? One after these may belong to an escape, a color or a prefix.
fn ends_a_run(bytes: &[u8], at: usize) -> bool {
    IS_LETTER[usize::from(bytes[at])]
        && !at
            .checked_sub(1)
            .is_some_and(|before| matches!(bytes[before], b'0'..=b'9' | b'\\' | b'#' | b'[' | b';'))
}

/// Letters that are no hexadecimal digits, and bytes of other scripts.
static IS_LETTER: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = matches!(byte, 0x47..=0x5a | 0x67..=0x7a | 0x80..);
        byte += 1;
    }
    table
};

/// The length of a separator between two digits, at a position without a digit.
fn between_digits(bytes: &[u8], at: usize) -> Option<usize> {
    let before = at.checked_sub(1).map(|before| bytes[before]);
    match bytes[at] {
        0x1b | b'\\' => Some(unseen(&bytes[at..]).max(1)),
        b'x' | b'X' => matches!(before, Some(b'0' | b'\\' | b'#')).then_some(1),
        b'u' | b'n' | b'r' | b't' => (before == Some(b'\\')).then_some(1),
        byte => (byte.is_ascii() && !byte.is_ascii_alphabetic()).then_some(1),
    }
}

fn push_digits(reading: &mut Reading, bytes: &[u8], run: Range<usize>) {
    if !reading.text.is_empty() {
        // Ends what was before.
        reading.push(b" ", run.start);
    }
    let mut at = run.start;
    while at < run.end {
        if bytes[at].is_ascii_hexdigit() {
            reading.push(&[bytes[at].to_ascii_lowercase()], at);
            at += 1;
            continue;
        }
        if matches!(bytes[at], b'x' | b'X') && at > run.start && bytes[at - 1] == b'0' {
            // `0x` is before a number and no part of it.
            reading.pop();
        }
        at += between_digits(bytes, at).unwrap_or(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_with_anything_between_them() {
        for text in [
            "6875 6e74 6572 2d74",
            "68:75:6E:74:65:72:2d:74",
            "0x68, 0x75, 0x6e, 0x74, 0x65, 0x72, 0x2d, 0x74",
            r"\x68\x75\x6e\x74\x65\x72\x2d\x74",
            "%68%75%6e%74%65%72%2d%74",
            "&#x68;&#x75;&#x6e;&#x74;&#x65;&#x72;&#x2d;&#x74;",
            "\u{1b}[31m68\u{1b}[0m756e7465722d74",
            "6875\\n6e74\\n6572\\n2d74",
            "6875\",\n  \"6e7465722d74",
        ] {
            let reading = digits(text);
            assert_eq!(String::from_utf8_lossy(&reading.text), "68756e7465722d74", "{text}");
        }
        assert!(digits("a decade of bad faces, added 2026").text.is_empty());
    }
}
