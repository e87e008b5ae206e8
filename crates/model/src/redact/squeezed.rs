//! Finding what white space has been put into: base64 in lines of 76 digits, keys that are indented, folded texts.
//!
//! The text is searched once more without its white space and colours. Only for long forms: `ab cd` is not `abcd`.

use std::ops::Range;

use aho_corasick::AhoCorasick;

/// Shorter forms are not looked for this way, in bytes.
pub(super) const SHORTEST: usize = 12;

/// A text without white space, and where each of its bytes was.
pub(super) struct Squeezed {
    pub(super) text: String,
    places: Vec<usize>,
}

/// Is there a line end at all, as it is or escaped?
pub(super) fn is_broken(text: &str) -> bool {
    text.contains('\n') || text.contains("\\n")
}

/// Drops white space, and line ends that are written as escapes.
pub(super) fn squeeze(text: &str) -> Squeezed {
    let mut squeezed =
        Squeezed { text: String::with_capacity(text.len()), places: Vec::with_capacity(text.len()) };
    let mut from = 0;
    let bytes = text.as_bytes();
    while from < bytes.len() {
        let rest = &bytes[from..];
        if rest[0].is_ascii_whitespace() {
            from += 1;
        } else if rest.starts_with(b"\\n") || rest.starts_with(b"\\r") {
            from += 2;
        } else if rest.starts_with(b"\x1b[") {
            // Ansible colours each line by itself.
            from += rest.iter().position(|byte| byte.is_ascii_alphabetic()).map_or(rest.len(), |end| end + 1);
        } else {
            // A whole character: the rest is never empty, and begins at one.
            let end = text.ceil_char_boundary(from + 1);
            squeezed.text.push_str(&text[from..end]);
            squeezed.places.extend(from..end);
            from = end;
        }
    }
    squeezed
}

/// Where forms are in the text, white space within them included; by their ends.
pub(super) fn spans(automaton: &AhoCorasick, text: &str) -> Vec<Range<usize>> {
    let squeezed = squeeze(text);
    let place = |range: Range<usize>| squeezed.places[range.start]..squeezed.places[range.end - 1] + 1;
    automaton.find_overlapping_iter(&squeezed.text).map(|found| place(found.range())).collect()
}
