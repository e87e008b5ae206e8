//! Numbers in JSON whose values would change.
//!
//! An integer beyond 64 bits becomes a rounded fraction when it is read, without an error. Python has such integers, so they
//! come from Ansible, and callers may send them. They are found in the text, before it is read.

use std::ops::Range;

/// A shorter number fits into 64 bits.
const SHORTEST: usize = 19;

/// Integers in JSON text that have no place in 64 bits.
#[must_use]
pub fn too_large_integers(text: &[u8]) -> Vec<Range<usize>> {
    // A long run of digits does not fit between two such bytes.
    if !text.chunks(SHORTEST).any(|chunk| chunk.len() < SHORTEST || chunk[SHORTEST - 1].is_ascii_digit()) {
        return Vec::new();
    }
    let is_too_large = |number: &str| {
        number.len() >= SHORTEST
            && !number.contains(['.', 'e', 'E'])
            && number.parse::<i64>().is_err()
            && number.parse::<u64>().is_err()
    };
    of_kind(text, is_too_large)
}

/// Numbers in JSON text that become other numbers when they are read, apart from the precision of fractions.
#[must_use]
pub fn changed_when_read(text: &[u8]) -> Vec<Range<usize>> {
    let is_changed = |number: &str| {
        if number.contains(['.', 'e', 'E']) {
            let digits = number.split(['e', 'E']).next().unwrap_or_default();
            let is_zero = !digits.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
            return number.parse::<f64>().is_ok_and(|read| read.is_infinite() || (read == 0.0 && !is_zero));
        }
        number.parse::<i64>().is_err() && number.parse::<u64>().is_err()
    };
    of_kind(text, is_changed)
}

fn of_kind(text: &[u8], is_meant: impl Fn(&str) -> bool) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let length = match byte {
            b'"' => string_length(&text[at..]),
            b'-' | b'0'..=b'9' => {
                let is_part = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
                let length = text[at..].iter().take_while(is_part).count();
                let number = std::str::from_utf8(&text[at..at + length]).unwrap_or_default();
                if number.bytes().any(|byte| byte.is_ascii_digit()) && is_meant(number) {
                    found.push(at..at + length);
                }
                length
            }
            _ => 1,
        };
        at += length;
    }
    found
}

/// How long the string at the beginning is, with its quotes.
fn string_length(text: &[u8]) -> usize {
    let mut at = 1;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

/// The text with something else in place of some of its parts.
#[must_use]
pub fn replaced(text: &[u8], parts: &[Range<usize>], instead: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len() + parts.len() * 2);
    let mut from = 0;
    for part in parts {
        result.extend_from_slice(&text[from..part.start]);
        result.extend(instead(&text[part.clone()]));
        from = part.end;
    }
    result.extend_from_slice(&text[from..]);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, find: impl Fn(&[u8]) -> Vec<Range<usize>>) -> Vec<&str> {
        find(text.as_bytes()).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn integers_beyond_64_bits_are_found_and_nothing_else() {
        for (text, numbers) in [
            (r#"{"a":12345678901234567890123}"#, vec!["12345678901234567890123"]),
            ("[-9223372036854775809,-9223372036854775808]", vec!["-9223372036854775809"]),
            ("[18446744073709551615,18446744073709551616]", vec!["18446744073709551616"]),
            (r#"["12345678901234567890123","\"12345678901234567890123"]"#, vec![]),
            (r#"{"12345678901234567890123":1.5,"b":12345678901234567890123.5}"#, vec![]),
            ("12345678901234567890123e2", vec![]),
            ("0.1234567890123456789012345", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(found(text, too_large_integers), numbers, "{text}");
            assert_eq!(found(text, changed_when_read), numbers, "{text}");
        }
    }

    #[test]
    fn numbers_that_no_double_can_hold_are_changed_when_read() {
        for (text, numbers) in [
            ("[1e400,-1e400,1e-400]", vec!["1e400", "-1e400", "1e-400"]),
            ("[0e400,0.0,-0.0,0.1,1e308,-0,5e-324]", vec![]),
        ] {
            assert_eq!(found(text, changed_when_read), numbers, "{text}");
        }
    }

    #[test]
    fn a_large_integer_is_found_at_any_position_in_a_long_text() {
        for before in 0..60 {
            let text = format!("[{}12345678901234567890123]", " ".repeat(before));
            assert_eq!(found(&text, too_large_integers), ["12345678901234567890123"], "{before}");
        }
    }
}
