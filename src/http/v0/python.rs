//! String functions of Python that affect responses of v0: quoting and splitting into lines.

/// Formats a string like Python's `repr`.
pub(super) fn repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut shown = String::from(quote);
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            '\\' => shown.push_str("\\\\"),
            _ if character == quote => shown.extend(['\\', quote]),
            _ if is_printable(character) => shown.push(character),
            _ => shown.push_str(&match u32::from(character) {
                number @ ..=0xff => format!("\\x{number:02x}"),
                number @ 0x100..=0xffff => format!("\\u{number:04x}"),
                number => format!("\\U{number:08x}"),
            }),
        }
    }
    shown.push(quote);
    shown
}

/// Rust and Python agree on what is printable; a letter before it keeps Rust from escaping a lone accent.
fn is_printable(character: char) -> bool {
    !character.is_control() && !format!("a{character}").escape_debug().to_string().contains("\\u{")
}

/// Splits a string into lines like Python's `splitlines`.
pub(super) fn split_lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some((at, end)) = rest.char_indices().find(|&(_, character)| ends_line(character)) {
        let (line, after) = rest.split_at(at);
        lines.push(line);
        rest = after.strip_prefix("\r\n").or_else(|| after.strip_prefix(end)).unwrap_or_default();
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

const fn ends_line(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_as_python_quotes_them() {
        for (text, shown) in [
            ("..", "'..'"),
            ("a'b", r#""a'b""#),
            (r#"a'"b"#, r#"'a\'"b'"#),
            ("a\"b", r#"'a"b'"#),
            ("..\\ping\n\t\r", r"'..\\ping\n\t\r'"),
            ("\0\u{7f}\u{85}\u{a0}", r"'\x00\x7f\x85\xa0'"),
            ("p\u{ef}ng \u{1f680} e\u{301}", "'p\u{ef}ng \u{1f680} e\u{301}'"),
            ("\u{202e}\u{e0001}", r"'\u202e\U000e0001'"),
        ] {
            assert_eq!(repr(text), shown);
        }
    }

    #[test]
    fn lines_end_where_python_ends_them() {
        assert_eq!(split_lines("a\r\nb\rc\n\nd"), ["a", "b", "c", "", "d"]);
        assert_eq!(split_lines("a\u{2028}b\u{85}c\x0cd\n"), ["a", "b", "c", "d"]);
        assert_eq!(split_lines(""), Vec::<&str>::new());
    }
}
