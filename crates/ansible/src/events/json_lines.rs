//! Reads JSON as Python writes it, which can be invalid.
//!
//! Python's `json` writes `NaN`, `Infinity`, and `-Infinity` for non-finite numbers, and escapes unpaired surrogates, which
//! stand for undecodable bytes. A strict parser rejects both, but an event must not be lost. Integers of Python have no
//! limit; here they are read into 64 bits.

use std::borrow::Cow;

use model::numbers;

/// The same with integers beyond 64 bits as strings of their digits: no digit of them is lost.
pub(crate) fn with_large_integers_as_text(text: &[u8]) -> Cow<'_, [u8]> {
    let large = numbers::too_large_integers(text);
    if large.is_empty() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(numbers::replaced(text, &large, |digits| [b"\"", digits, b"\""].concat()))
}

/// The same text with `null` for non-finite numbers and U+FFFD for unpaired surrogates.
pub(crate) fn repaired(text: &[u8]) -> Cow<'_, [u8]> {
    let mut result: Option<Vec<u8>> = None;
    let mut copied = 0;
    let mut at = 0;
    let mut in_string = false;
    while let Some(&byte) = text.get(at) {
        let rest = &text[at..];
        let (length, instead): (usize, Option<&[u8]>) = match byte {
            b'"' => {
                in_string = !in_string;
                (1, None)
            }
            b'\\' if in_string => match surrogate(rest) {
                Surrogate::Pair => (12, None),
                Surrogate::Half => (6, Some(b"\\ufffd")),
                Surrogate::None => (2, None),
            },
            b'N' | b'I' | b'-' if !in_string => match not_a_number(rest) {
                Some(length) => (length, Some(b"null")),
                None => (1, None),
            },
            _ => (1, None),
        };
        if let Some(instead) = instead {
            let result = result.get_or_insert_with(|| Vec::with_capacity(text.len()));
            result.extend_from_slice(&text[copied..at]);
            result.extend_from_slice(instead);
            copied = at + length;
        }
        at += length;
    }
    match result {
        None => Cow::Borrowed(text),
        Some(mut result) => {
            result.extend_from_slice(&text[copied.min(text.len())..]);
            Cow::Owned(result)
        }
    }
}

fn not_a_number(rest: &[u8]) -> Option<usize> {
    let words: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];
    words.iter().find(|word| rest.starts_with(word)).map(|word| word.len())
}

enum Surrogate {
    Pair,
    Half,
    None,
}

fn surrogate(rest: &[u8]) -> Surrogate {
    match unit(rest) {
        Some(0xD800..=0xDBFF) => match rest.get(6..).and_then(unit) {
            Some(0xDC00..=0xDFFF) => Surrogate::Pair,
            _ => Surrogate::Half,
        },
        Some(0xDC00..=0xDFFF) => Surrogate::Half,
        _ => Surrogate::None,
    }
}

/// The code unit of a `\uXXXX` at the beginning.
fn unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_digit_of_a_large_integer_is_lost() {
        let kept = with_large_integers_as_text(br#"{"a": 12345678901234567890123, "b": 12}"#);
        assert_eq!(String::from_utf8_lossy(&kept), r#"{"a": "12345678901234567890123", "b": 12}"#);
    }

    #[test]
    fn what_python_writes_becomes_json() {
        for (python, json) in [
            (r#"{"a":NaN,"b":[-Infinity,Infinity,-1]}"#, r#"{"a":null,"b":[null,null,-1]}"#),
            (r#"{"NaN":"Infinity \" NaN"}"#, r#"{"NaN":"Infinity \" NaN"}"#),
            (r#"["\ud83d\ude00 \ud83d x \udcff \\ud83d"]"#, r#"["\ud83d\ude00 \ufffd x \ufffd \\ud83d"]"#),
            (r#"["\ud83d"#, r#"["\ufffd"#),
            (r#"["a\"#, r#"["a\"#),
        ] {
            assert_eq!(String::from_utf8_lossy(&repaired(python.as_bytes())), json);
        }
    }
}
