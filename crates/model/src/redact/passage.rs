//! Text in pieces, such as lines: a private key that begins in one piece continues in the next.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;

use super::masked::MASK;

/// How much is hidden of a key without an end, in bytes. The longest keys in use have about 13,000.
const LONGEST: usize = 64 * 1024;

#[expect(clippy::expect_used, reason = "the pattern is a constant, and tests use it")]
static EDGE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"-----(BEGIN|END) [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----").expect("a valid pattern")
});

/// The state of a text that arrives in pieces: one for each stream.
#[derive(Debug, Clone, Default)]
pub struct Passage {
    /// Within a key: how many bytes of it have been hidden.
    hidden: Option<usize>,
}

impl Passage {
    /// The piece without what belongs to a key that an earlier piece began.
    pub(super) fn hide<'a>(&mut self, piece: &'a str) -> Cow<'a, str> {
        let edges =
            || EDGE.captures_iter(piece).filter_map(|edge| Some((edge.get(0)?, edge.get(1)?.as_str())));
        let last = edges().last();
        let Some(before) = self.hidden else {
            self.hidden =
                last.filter(|(_, edge)| *edge == "BEGIN").map(|(edge, _)| piece.len() - edge.start());
            return Cow::Borrowed(piece);
        };
        let end = edges().find(|(_, edge)| *edge == "END").map(|(edge, _)| edge.end());
        self.hidden = match last {
            Some((edge, "BEGIN")) => Some(piece.len() - edge.start()),
            Some(_) => None,
            None => Some(before + piece.len()).filter(|hidden| *hidden < LONGEST),
        };
        match end {
            Some(end) => Cow::Owned(format!("{MASK}{}", &piece[end..])),
            None => Cow::Borrowed(MASK),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Redactor;
    use super::*;

    #[test]
    fn a_key_is_hidden_over_lines() {
        let redactor = Redactor::default();
        let mut passage = Passage::default();
        for (piece, clean) in [
            ("before", "before"),
            ("key: -----BEGIN RSA PRIVATE KEY-----", "key: ***"),
            ("MIIEowIBAAKCAQEA", "***"),
            ("", "***"),
            ("-----END RSA PRIVATE KEY----- after", "*** after"),
            ("more", "more"),
            ("-----END RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"),
        ] {
            assert_eq!(redactor.piece(&mut passage, piece), clean);
        }
    }

    #[test]
    fn a_key_without_an_end_does_not_hide_everything_after_it() {
        let redactor = Redactor::default();
        let mut passage = Passage::default();
        let _ = redactor.piece(&mut passage, "-----BEGIN PRIVATE KEY-----");
        let line = "x".repeat(1000);
        let hidden = (0..1000).take_while(|_| redactor.piece(&mut passage, &line) == MASK).count();
        assert!((60..=70).contains(&hidden), "{hidden}");
    }
}
