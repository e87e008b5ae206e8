//! The rows of a hex dump (`xxd`, `hexdump -C`, `od`): an address, digits, and the text.
//!
//! Between two rows there is an address and often the text of the previous row, so neither column can be read alone.

use std::ops::Range;

use super::readings::{self, MOST_BACKSLASHES, Reading};

/// The number of digits of an address.
const ADDRESS: std::ops::RangeInclusive<usize> = 6..=16;
/// The maximum number of quotes and dashes before an address. Limited, because each quote could precede a row.
const MOST_SIGNS: usize = 3;
/// The maximum number of spaces between two groups of digits.
const WIDEST_GAP: usize = 3;

/// The columns of all rows in a text.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub(super) digits: Reading,
    /// Without blanks.
    pub(super) text: Reading,
}

/// Where the text column of a row begins when its first words could be digits, too: `6162 6364  abcd`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Split {
    /// Behind everything that could be digits.
    LastDigits,
    /// Behind the first wide gap where one character for each byte is left.
    FirstText,
}

/// The columns, if there are rows at all. A row that can be read in two ways is read in both.
pub(super) fn columns(text: &str) -> impl Iterator<Item = Columns> {
    let last = columns_by(text, Split::LastDigits);
    let first = last.as_ref().and_then(|_| columns_by(text, Split::FirstText));
    let first = first.filter(|first| last.as_ref().is_none_or(|last| last.digits.text != first.digits.text));
    last.into_iter().chain(first)
}

fn columns_by(text: &str, split: Split) -> Option<Columns> {
    let bytes = text.as_bytes();
    let mut columns: Option<Columns> = None;
    let mut at = 0;
    let mut begins = true;
    while at < bytes.len() {
        if begins && let Some((address, quote)) = after_address(bytes, at) {
            let end = end_of_row(bytes, address);
            let quote = &bytes[quote.unwrap_or_default()];
            columns.get_or_insert_default().add(bytes, address..end, quote, split);
            at = end;
        }
        let Some(next) = bytes[at..].iter().position(|byte| matches!(byte, b'\n' | b'"' | b'\'' | b'\\'))
        else {
            break;
        };
        at += next;
        let escaped = readings::escaped_line_end(&bytes[at..]);
        begins = bytes[at] != b'\\' || escaped > 0;
        at += escaped.max(1);
    }
    columns.map(|columns| Columns { text: columns.text.compacted(), ..columns })
}

/// The place behind the address that a row begins with, and the quote that its line begins with: what is before the
/// address may be blanks, colors, a dash and a quote.
fn after_address(bytes: &[u8], mut at: usize) -> Option<(usize, Option<Range<usize>>)> {
    let mut quote = at.checked_sub(1).and_then(|before| quote_at(bytes, before));
    let mut signs = 0;
    while signs <= MOST_SIGNS {
        let rest = &bytes[at..];
        at += match rest.first()? {
            b' ' | b'\t' => 1,
            b'-' | b'"' | b'\'' => {
                quote = quote_at(bytes, at).or(quote);
                signs += 1;
                1
            }
            0x1b => readings::unseen(rest),
            _ => break,
        };
    }
    let digits = bytes[at..].iter().take(17).take_while(|byte| byte.is_ascii_hexdigit()).count();
    at += digits;
    at += usize::from(bytes.get(at) == Some(&b':'));
    (ADDRESS.contains(&digits) && matches!(bytes.get(at), Some(b' ' | b'\t'))).then_some((at, quote))
}

/// The quote at this place with the backslashes before it.
fn quote_at(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let slashes = bytes[..at].iter().rev().take(MOST_BACKSLASHES).take_while(|byte| **byte == b'\\').count();
    matches!(bytes[at], b'"' | b'\'').then_some(at - slashes..at + 1)
}

fn end_of_row(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(next) = bytes[at..].iter().position(|byte| matches!(byte, b'\n' | b'\\')) {
        at += next;
        if bytes[at] == b'\n' || readings::escaped_line_end(&bytes[at..]) > 0 {
            return at;
        }
        at += 1;
    }
    bytes.len()
}

impl Columns {
    /// Adds a row from behind its address; its line began with this quote, or none.
    fn add(&mut self, bytes: &[u8], place: Range<usize>, quote: &[u8], split: Split) {
        let mut row = Vec::with_capacity(place.len());
        let mut at = place.start;
        while at < place.end {
            match readings::unseen(&bytes[at..place.end]) {
                0 => {
                    row.push(at);
                    at += 1;
                }
                length => at += length,
            }
        }
        let byte = |place: &usize| bytes[*place];
        while row.last().is_some_and(|place| byte(place).is_ascii_whitespace()) {
            row.pop();
        }
        // Behind an item of a list are its quote and a comma, behind the last one its quote. Where the line end is an
        // escaped one the row may be within a text, and a quote alone the row's own.
        let ends_with = |what: &[u8]| {
            row.len() >= what.len() && row[row.len() - what.len()..].iter().map(byte).eq(what.iter().copied())
        };
        let behind = match bytes.get(place.end) {
            _ if quote.is_empty() => 0,
            _ if ends_with(&[quote, b","].concat()) => quote.len() + 1,
            Some(b'\\') => 0,
            _ if ends_with(quote) => quote.len(),
            _ => 0,
        };
        let row = &row[..row.len() - behind];
        let (digits, mut text) = row.split_at(length_of_digits(row, split, &byte));
        for place in digits.iter().filter(|place| byte(place).is_ascii_hexdigit()) {
            self.digits.push(&[byte(place).to_ascii_lowercase()], *place);
        }
        while let Some((first, others)) = text.split_first()
            && byte(first).is_ascii_whitespace()
        {
            text = others;
        }
        let digits = digits.iter().filter(|place| byte(place).is_ascii_hexdigit()).count();
        for (open, close) in [(b'|', b'|'), (b'>', b'<')] {
            // Without digits, as of `od -c`, there are no signs around the text.
            if digits == 0 || text.first().map(byte) != Some(open) {
                continue;
            }
            let within = &text[1..];
            // One character for each byte, of two hexadecimal or three octal digits; with backslashes where a program printed the
            // text in quotes. The last row of a printed text is followed by the rest of the line.
            let is_closed = |length: &usize| within.get(*length).map(byte) == Some(close);
            let escaped = |count| length_of_escaped(within, count, &byte);
            let last = within.len().saturating_sub(1);
            let lengths = [escaped(digits / 2), digits / 2, escaped(digits / 3), digits / 3, last];
            let length = lengths.into_iter().find(is_closed);
            text = length.map_or(text, |length| &within[..length]);
        }
        for place in text.iter().filter(|place| !byte(place).is_ascii_whitespace()) {
            self.text.push(&[byte(place)], *place);
        }
    }
}

/// How many bytes this number of characters takes in a text that was printed in quotes.
fn length_of_escaped(text: &[usize], count: usize, byte: &impl Fn(&usize) -> u8) -> usize {
    let mut length = 0;
    for _ in 0..count {
        let rest = &text[length.min(text.len())..];
        let slashes = rest.iter().take(MOST_BACKSLASHES).take_while(|place| byte(place) == b'\\').count();
        length += match rest.get(slashes).map(byte) {
            Some(b'"' | b'\'') => slashes + 1,
            _ if slashes > 1 => 2,
            _ => 1,
        };
    }
    length
}

/// How long the groups of digits are that a row begins with, blanks included.
fn length_of_digits(row: &[usize], split: Split, byte: &impl Fn(&usize) -> u8) -> usize {
    let (mut length, mut digits) = (0, 0);
    loop {
        let rest = &row[length..];
        let blanks = rest.iter().take_while(|place| matches!(byte(place), b' ' | b'\t')).count();
        let group = &rest[blanks..];
        let group = &group[..group.iter().take_while(|place| byte(place).is_ascii_hexdigit()).count()];
        let is_octal = || group.iter().all(|place| (b'0'..=b'7').contains(&byte(place)));
        let is_group = match group.len() {
            3 => is_octal(),
            count => (2..=16).contains(&count) && count.is_multiple_of(2),
        };
        // The last row of a printed text has a quote behind it.
        let is_end =
            |place: &usize| byte(place).is_ascii_whitespace() || matches!(byte(place), b'"' | b'\'' | b'\\');
        let ends = rest.get(blanks + group.len()).is_none_or(is_end);
        let is_rest = || length_of_escaped(&rest[blanks..], digits / 2, byte) >= rest.len() - blanks;
        let is_text = || split == Split::FirstText && blanks > 1 && is_rest();
        if !(1..=WIDEST_GAP).contains(&blanks) || !is_group || !ends || is_text() {
            return length;
        }
        length += blanks + group.len();
        digits += group.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_dumps_are_read_without_addresses() {
        let digits = "68756e7465722d74776f2c206f6e6520";
        let text = "hunter-two,one";
        for (dump, (digits, text)) in [
            (
                "before\n00000000: 6875 6e74 6572 2d74 776f  hunter-two\n0000000a: 2c20 6f6e 6520            , one \nafter",
                (digits, text),
            ),
            (
                "00000000  68 75 6e 74 65 72 2d 74  77 6f 2c 20 6f 6e 65 20  |hunter-two, one |\n00000010",
                (digits, text),
            ),
            (" 0000000 150 165 156\n 0000003", ("150165156", "")),
            ("0000000   |   u   n   |\n0000004   e\n0000005", ("", "|un|e")),
            ("0000000   h   u   n   t\n0000004   e   r  \\n\n0000007", ("", "hunter")),
            ("  \"00000000: 6875  hu\",\n  \"00000002: 6e74  nt\"\n", ("68756e74", "hunt")),
            (r#""stdout": "00000000: 6875  hu\n00000002: 6e74  nt""#, ("68756e74", "hunt\"")),
            (r#"{"a": "00000000  68 75  |hu|\n00000002  6e 74  |nt|", "b": "|"}"#, ("68756e74", "hunt")),
            (
                r#""00000000  68 75 22 7c 6e 74  |hu\"|nt|\n00000006  65 72 7c  |er||""#,
                ("6875227c6e7465727c", "hu\\\"|nter|"),
            ),
            (r#"["0000000 150 165  >hu<\n0000002 156 174  >n|<"]"#, ("150165156174", "hun|")),
            (
                "\u{1b}[0;32m00000000: 6875  hu\u{1b}[0m\n\u{1b}[0;32m00000002: 6e74  nt\u{1b}[0m",
                ("68756e74", "hunt"),
            ),
        ] {
            let found = columns(dump).next().expect("rows");
            assert_eq!(String::from_utf8_lossy(&found.digits.text), digits, "{dump}");
            assert_eq!(String::from_utf8_lossy(&found.text.text), text, "{dump}");
        }
    }

    #[test]
    fn what_has_no_address_is_no_dump() {
        for text in ["", "hello", "68 75 6e", "2026-11-30 04:20", "abcdef", "abcdef:x", "x 00000000: 68"] {
            assert!(columns(text).next().is_none(), "{text}");
        }
    }

    #[test]
    fn a_text_that_could_be_digits_is_read_in_both_ways() {
        let dump = "00000000: 6162 6364  abcd\n00000004: 2d                   -";
        let found: Vec<_> = columns(dump).map(|columns| (columns.digits.text, columns.text.text)).collect();
        assert_eq!(
            found,
            [(b"61626364abcd2d".to_vec(), b"-".to_vec()), (b"616263642d".to_vec(), b"abcd-".to_vec())]
        );
    }
}
