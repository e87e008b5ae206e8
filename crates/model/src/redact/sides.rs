//! The characters next to a form that belong to it.

use std::ops::Range;

/// The sides of a form that consists of digits: the number of digits that contain bits of both the value and its neighbor. And
/// the parts of a form that are not the value: the quotes around a short one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sides {
    pub(super) before: usize,
    pub(super) after: usize,
    pub(super) quotes: usize,
}

impl Sides {
    /// The range with the characters that hold a part of the value, and the padding behind them.
    pub(super) fn widen(self, text: &[u8], mut range: Range<usize>) -> Range<usize> {
        let is_digit = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(*byte);
        range.start -= text[..range.start].iter().rev().take(self.before).take_while(is_digit).count();
        let after = text[range.end..].iter().take(self.after).take_while(is_digit).count();
        range.end += after;
        if after > 0 {
            // Base32 has up to six.
            range.end += text[range.end..].iter().take(6).take_while(|c| **c == b'=').count();
        }
        range.start + self.quotes..range.end - self.quotes
    }
}
