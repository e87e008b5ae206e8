//! The forms in which a value can occur: unchanged, quoted, and encoded.

use std::collections::BTreeMap;

use super::{digits, encoded, names, readings, sides::Sides};

/// Shorter values are only masked if they are the whole text between quotes, in bytes.
pub const SHORTEST_VALUE: usize = 4;
/// Of a multi-line value, shorter lines are not masked, in bytes.
const SHORTEST_LINE: usize = 8;
/// Shorter forms are not searched for with separators between their characters: `ab cd` is not `abcd`. In bytes.
const SHORTEST_SPREAD: usize = 8;
/// The same for words and numbers: every text has words that others can be made of.
const SHORTEST_SPREAD_NAME: usize = 12;
/// The same for hexadecimal and octal digits: numbers in a row are common.
const SHORTEST_DIGITS: usize = digits::SHORTEST_DIGITS;
/// Shorter texts in base32 may be words.
const SHORTEST_BASE32: usize = 6;

/// Forms, each with its sides.
pub(super) type Set = BTreeMap<String, Sides>;

/// All forms of all values, each once.
#[derive(Default)]
pub(super) struct Forms {
    /// Searched for in the text itself.
    pub(super) exact: Set,
    /// Searched for in the text without white space ([`readings::compact`]).
    pub(super) compact: Set,
    /// Searched for in its hexadecimal digits ([`digits::digits`]).
    pub(super) digits: Set,
}

impl Forms {
    /// Adds a value with its forms, and its lines with theirs.
    pub(super) fn add(&mut self, value: &str) {
        if (1..SHORTEST_VALUE).contains(&value.len()) {
            self.add_short(value);
        }
        let lines = value.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_LINE);
        let wholes = [value, value.trim()].into_iter().filter(|value| value.len() >= SHORTEST_VALUE);
        for value in wholes.chain(lines) {
            self.add_quoted(value);
            for bytes in encoded::bytes(value) {
                self.add_encoded(&bytes);
            }
        }
    }

    /// Two letters occur in every text; a text that consists of them is seen by its quotes.
    fn add_short(&mut self, value: &str) {
        let json = json(value);
        for (value, quote) in [(&json, "\""), (&json, "\\\""), (&json, "\\\\\\\""), (&value.to_owned(), "'")]
        {
            let quotes = Sides { quotes: quote.len(), ..Sides::default() };
            self.exact.entry(format!("{quote}{value}{quote}")).or_insert(quotes);
        }
    }

    fn add_quoted(&mut self, value: &str) {
        let is_word = names::could_be_a_name(value) || value.bytes().all(|byte| byte.is_ascii_digit());
        let shortest = if is_word { SHORTEST_SPREAD_NAME } else { SHORTEST_SPREAD };
        let mut add_compact = |form: &str| {
            let compact = readings::compact_text(form);
            // With blanks around it, a dash between two quotes is read as a separator of list items.
            for compact in [compact.replace("'-'", "").replace("\"-\"", ""), compact] {
                if compact.len() >= shortest {
                    self.compact.entry(compact).or_default();
                }
            }
        };
        // The text next to the digits of a dump has dots for unprintable characters.
        add_compact(&dotted(value));
        for form in quoted(value) {
            // Output is often printed as JSON once more.
            for form in [json(&form), ascii_json(&form, false), form] {
                add_compact(&form);
                self.exact.entry(form).or_default();
            }
        }
        self.exact.entry(spaced(value)).or_default();
    }

    fn add_encoded(&mut self, bytes: &[u8]) {
        let base32 = encoded::base32(bytes).into_iter().filter(|(form, _)| form.len() >= SHORTEST_BASE32);
        for (form, sides) in encoded::base64(bytes).into_iter().chain(base32) {
            if form.len() >= SHORTEST_SPREAD {
                self.compact.entry(form.clone()).or_insert(sides);
            }
            self.exact.entry(form).or_insert(sides);
        }
        let hexadecimal = encoded::hexadecimal(bytes);
        for form in [hexadecimal.to_ascii_uppercase(), hexadecimal.clone()] {
            self.exact.entry(form).or_default();
        }
        for (form, sides) in encoded::dumped(bytes).into_iter().chain([(hexadecimal, Sides::default())]) {
            if form.len() >= SHORTEST_DIGITS {
                self.digits.entry(form).or_insert(sides);
            }
        }
    }
}

/// With one blank after each character but the last.
fn spaced(value: &str) -> String {
    let mut spaced = each(value, |_| true, |c, to| to.extend([c, ' ']));
    spaced.pop();
    spaced
}

/// The text column of `xxd` and `hexdump -C`.
fn dotted(value: &str) -> String {
    value.bytes().map(|byte| if (b' '..=b'~').contains(&byte) { char::from(byte) } else { '.' }).collect()
}

/// The value as it is and as programs quote it, not in digits.
fn quoted(value: &str) -> Vec<String> {
    let mut forms = vec![
        value.to_owned(),
        json(value),
        ascii_json(value, false),
        ascii_json(value, true),
        html_safe_json(value),
        json(value).replace('/', r"\/"),
        python(value, false),
        python(value, true),
        // Shells: `shlex.quote`, the common idiom, `%q`, within double quotes. YAML doubles.
        value.replace('\'', r#"'"'"'"#),
        value.replace('\'', r"'\''"),
        value.replace('\'', "''"),
        each(value, |c| !(c.is_alphanumeric() || "_@%+=:,./-".contains(c)), |c, to| to.extend(['\\', c])),
        each(value, |c| "\"\\$`".contains(c), |c, to| to.extend(['\\', c])),
    ];
    // HTML, by the entities that Python, Jinja and browsers write for quotes.
    for (single, double) in [("&#x27;", "&quot;"), ("&#39;", "&#34;"), ("'", "&quot;")] {
        let text = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        forms.push(text.replace('\'', single).replace('"', double));
    }
    // URLs: RFC 3986, Python's `quote`, `encodeURIComponent`, `encodeURI`.
    for kept in ["-._~", "-._~/", "-._~!*'()", "-._~!*'();,/?:@&=+$#"] {
        let upper = percent(value, kept, false);
        forms.push(upper.replace("%20", "+"));
        let lower = percent(value, kept, true);
        forms.push(lower.replace("%20", "+"));
        forms.extend([upper, lower]);
    }
    forms
}

/// A copy in which some characters are written otherwise.
fn each(text: &str, is_other: impl Fn(char) -> bool, write: impl Fn(char, &mut String)) -> String {
    let mut result = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_other(c) { write(c, &mut result) } else { result.push(c) }
    }
    result
}

/// Within a JSON text, without the quotes around it.
fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// The same in ASCII alone, as Python writes it.
fn ascii_json(text: &str, upper: bool) -> String {
    each(&json(text), |c| !c.is_ascii(), |c, to| unicode_escape(c, upper, to))
}

/// The same, with characters escaped that have a meaning in HTML, as Go and Jinja's `tojson` write it.
fn html_safe_json(text: &str) -> String {
    each(&json(text), |c| "<>&'".contains(c), |c, to| unicode_escape(c, false, to))
}

fn unicode_escape(c: char, upper: bool, to: &mut String) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        let escape = if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") };
        to.push_str(&escape);
    }
}

/// As Python's `repr` writes a text, and Bash its `$'...'`.
fn python(text: &str, with_quotes: bool) -> String {
    let is_other = |c: char| c == '\\' || c.is_control() || (with_quotes && c == '\'');
    each(text, is_other, |c, to| match c {
        '\n' => to.push_str("\\n"),
        '\r' => to.push_str("\\r"),
        '\t' => to.push_str("\\t"),
        '\\' | '\'' => to.extend(['\\', c]),
        other => to.push_str(&format!("\\x{:02x}", u32::from(other))),
    })
}

fn percent(text: &str, kept: &str, lower: bool) -> String {
    let is_other = |c: char| !(c.is_ascii_alphanumeric() || kept.contains(c));
    each(text, is_other, |c, to| {
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            let escape = if lower { format!("%{byte:02x}") } else { format!("%{byte:02X}") };
            to.push_str(&escape);
        }
    })
}
