//! Replaces spans of a text with masks. Adjacent spans get one mask.

use std::{borrow::Cow, ops::Range};

/// The replacement of a secret.
pub const MASK: &str = "***";

/// The text with masks; the spans come by their ends.
pub(super) fn text(text: &str, spans: Vec<Range<usize>>) -> Cow<'_, str> {
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(part(text, 0..text.len(), &merged(spans)))
}

/// The items that a text was made of, joined by one byte each, with a mask in every one that a span touches; nothing when
/// there are no spans. The spans come by their ends.
pub(super) fn items(text: &str, items: &[usize], spans: Vec<Range<usize>>) -> Option<Vec<String>> {
    if spans.is_empty() {
        return None;
    }
    let spans = merged(spans);
    let (mut begin, mut first) = (0, 0);
    let mut changed = Vec::with_capacity(items.len());
    for length in items {
        let item = begin..begin + length;
        first += spans[first..].iter().take_while(|span| span.end <= item.start).count();
        let touching = spans[first..].iter().take_while(|span| span.start < item.end && *length > 0).count();
        changed.push(part(text, item.clone(), &spans[first..first + touching]));
        begin = item.end + 1;
    }
    Some(changed)
}

/// One span for each run of spans that touch.
fn merged(spans: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut merged: Vec<Range<usize>> = Vec::new();
    for mut span in spans {
        while let Some(last) = merged.pop_if(|last| last.end >= span.start) {
            span = span.start.min(last.start)..span.end.max(last.end);
        }
        merged.push(span);
    }
    merged
}

/// A part of the text with masks; the spans touch it, and do not touch each other.
fn part(text: &str, part: Range<usize>, spans: &[Range<usize>]) -> String {
    let mut clean = String::with_capacity(part.len());
    let mut from = part.start;
    for span in spans {
        clean.push_str(&text[from..span.start.max(from)]);
        clean.push_str(MASK);
        from = span.end.min(part.end);
    }
    clean.push_str(&text[from..part.end]);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_have_a_mask_in_each_that_a_span_touches() {
        let lengths = |text: &str| text.split('|').map(str::len).collect::<Vec<_>>();
        for (joined, spans, expected) in [
            ("abc|def|ghi", &[(2, 9)][..], "ab***|***|***hi"),
            ("abc|def|ghi", &[(3, 4)], "abc|def|ghi"),
            ("abc||ghi", &[(1, 6)], "a***||***hi"),
            ("abc|def", &[(0, 1), (2, 3), (4, 7)], "***b***|***"),
            ("abc|def", &[(1, 2), (0, 5)], "***|***ef"),
        ] {
            let spans = spans.iter().map(|(from, to)| *from..*to).collect();
            let changed = items(joined, &lengths(joined), spans).expect("spans");
            assert_eq!(changed.join("|"), expected);
        }
        assert!(items("abc|def", &[3, 3], Vec::new()).is_none());
    }
}
