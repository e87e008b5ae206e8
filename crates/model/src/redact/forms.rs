//! The forms in which a value may turn up: as it is, and as programs quote and encode it.

use std::{collections::BTreeMap, ops::Range};

use base64::{
    Engine,
    prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD},
};

/// Shorter values are only looked for where they are all that stands between quotes, in bytes.
pub const SHORTEST_VALUE: usize = 4;
/// Of a value of many lines, shorter lines are not looked for, in bytes.
const SHORTEST_LINE: usize = 8;

/// What is beside a form in base64: a character that holds bits of the value and bits of its neighbour. And what of a
/// form is not the value: the quotes around a short one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sides {
    before: bool,
    after: bool,
    quotes: usize,
}

impl Sides {
    /// The range with the characters that hold a part of the value, and the padding behind them.
    pub(super) fn widen(self, text: &[u8], mut range: Range<usize>) -> Range<usize> {
        let is_digit =
            |at: usize| text.get(at).is_some_and(|c| c.is_ascii_alphanumeric() || b"+/-_".contains(c));
        if self.before && range.start > 0 && is_digit(range.start - 1) {
            range.start -= 1;
        }
        if self.after && is_digit(range.end) {
            range.end += 1;
            let padding = text[range.end..].iter().take(2).take_while(|c| **c == b'=').count();
            range.end += padding;
        }
        range.start + self.quotes..range.end - self.quotes
    }
}

/// All forms of all values, each once.
#[derive(Default)]
pub(super) struct Forms(BTreeMap<String, Sides>);

impl Forms {
    /// Adds a value with its forms, and its lines with theirs.
    pub(super) fn add(&mut self, value: &str) {
        if (1..SHORTEST_VALUE).contains(&value.len()) {
            self.add_short(value);
        }
        let lines = value.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_LINE);
        let wholes = [value, value.trim()].into_iter().filter(|value| value.len() >= SHORTEST_VALUE);
        for value in wholes.chain(lines) {
            for form in quoted(value) {
                // Output is often printed as JSON once more.
                for form in [json(&form), ascii_json(&form, false), form] {
                    self.0.entry(form).or_default();
                }
            }
            for (form, sides) in base64(value.as_bytes()) {
                self.0.entry(form).or_insert(sides);
            }
        }
    }

    /// Two letters occur in every text; a text that consists of them is seen by its quotes.
    fn add_short(&mut self, value: &str) {
        let json = json(value);
        for (value, quote) in [(&json, "\""), (&json, "\\\""), (&json, "\\\\\\\""), (&value.to_owned(), "'")]
        {
            let quotes = Sides { quotes: quote.len(), ..Sides::default() };
            self.0.entry(format!("{quote}{value}{quote}")).or_insert(quotes);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Sides)> {
        self.0.iter().map(|(text, sides)| (text.as_str(), *sides))
    }
}

/// The value as it is and as programs quote it, not base64.
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
        hexadecimal(value, false),
        hexadecimal(value, true),
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

/// The same without what HTML gives a meaning, as Go and Jinja's `tojson` write it.
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

fn hexadecimal(text: &str, upper: bool) -> String {
    let digits = |byte: u8| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") };
    text.bytes().map(digits).collect()
}

/// What base64 of anything that contains the value contains, whichever of three places in a group of three bytes
/// the value begins at: the digits that the value alone decides. Both alphabets; padding comes with the sides.
fn base64(value: &[u8]) -> Vec<(String, Sides)> {
    let mut forms = Vec::new();
    for before in 0..3 {
        let bytes = [&[0; 2][..before], value].concat();
        // A digit holds six bits.
        let (first, end) = ((8 * before).div_ceil(6), 8 * bytes.len() / 6);
        let sides = Sides { before: before > 0, after: (8 * bytes.len()) % 6 > 0, quotes: 0 };
        for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
            forms.push((engine.encode(&bytes)[first..end].to_owned(), sides));
        }
    }
    forms
}
