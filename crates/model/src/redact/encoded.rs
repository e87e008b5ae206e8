//! Encodings of a value as digits: base64, base32, hexadecimal, and octal, of its UTF-8 and its UTF-16.
//!
//! A form contains only what the value alone determines, at any position in a longer text. A digit or a word that contains bits
//! of both the value and its neighbor is not part of a form. [`Sides`] count these, and they are masked as well.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD},
};

use super::sides::Sides;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The input of encoders: UTF-8, and UTF-16 in both byte orders. A zero byte at an end of UTF-16 is left out, so that one
/// sequence represents both orders for most values.
pub(super) fn bytes(value: &str) -> Vec<Vec<u8>> {
    let mut all = vec![value.as_bytes().to_vec()];
    for order in [u16::to_le_bytes, u16::to_be_bytes] {
        let mut wide: Vec<u8> = value.encode_utf16().flat_map(order).collect();
        wide.truncate(wide.len() - usize::from(wide.ends_with(&[0])));
        wide.drain(..usize::from(wide.starts_with(&[0])));
        if !all.contains(&wide) {
            all.push(wide);
        }
    }
    all
}

/// In both alphabets, by where in a group of three bytes the value begins. Padding is masked with the sides.
pub(super) fn base64(value: &[u8]) -> Vec<(String, Sides)> {
    let mut forms = Vec::new();
    for before in 0..3 {
        let bytes = [&[0; 2][..before], value].concat();
        let (first, end, sides) = own_digits(before, bytes.len(), 6);
        for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
            forms.push((engine.encode(&bytes)[first..end].to_owned(), sides));
        }
    }
    forms
}

/// The standard alphabet of RFC 4648, by where in a group of five bytes the value begins.
pub(super) fn base32(value: &[u8]) -> Vec<(String, Sides)> {
    let mut forms = Vec::new();
    for before in 0..5 {
        let bytes = [&[0; 4][..before], value].concat();
        let (first, end, sides) = own_digits(before, bytes.len(), 5);
        let digits: String =
            (first..end).map(|number| char::from(BASE32[five_bits(&bytes, number)])).collect();
        forms.extend([(digits.to_ascii_lowercase(), sides), (digits, sides)]);
    }
    forms
}

/// The digit at this position among those of five bits. All of its bits are in the bytes.
fn five_bits(bytes: &[u8], number: usize) -> usize {
    (5 * number..5 * number + 5)
        .fold(0, |digit, bit| digit << 1 | usize::from(bytes[bit / 8] >> (7 - bit % 8) & 1))
}

/// Of digits with this number of bits, those that contain no bits of bytes before or after the value.
fn own_digits(before: usize, length: usize, bits: usize) -> (usize, usize, Sides) {
    let sides = Sides {
        before: usize::from(!(8 * before).is_multiple_of(bits)),
        after: usize::from(!(8 * length).is_multiple_of(bits)),
        ..Sides::default()
    };
    ((8 * before).div_ceil(bits), 8 * length / bits, sides)
}

/// Hexadecimal digits in lower case.
pub(super) fn hexadecimal(value: &[u8]) -> String {
    value.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What dumps of memory show besides hexadecimal bytes: octal bytes (`od -b`), and words of two bytes with the second
/// one first (`od`, `od -x`, `hexdump`), for both alignments of the value.
pub(super) fn dumped(value: &[u8]) -> Vec<(String, Sides)> {
    let mut forms = vec![(value.iter().map(|byte| format!("{byte:03o}")).collect(), Sides::default())];
    for first in 0..2.min(value.len()) {
        let words: Vec<u16> =
            value[first..].as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
        let is_cut = !(value.len() - first).is_multiple_of(2);
        let sides = |digits| Sides { before: first * digits, after: usize::from(is_cut) * digits, quotes: 0 };
        forms.push((words.iter().map(|word| format!("{word:04x}")).collect(), sides(4)));
        forms.push((words.iter().map(|word| format!("{word:06o}")).collect(), sides(6)));
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_that_other_programs_write() {
        let texts = |forms: Vec<(String, Sides)>| forms.into_iter().map(|(text, _)| text).collect::<Vec<_>>();
        // `printf hunter2 | base32`, and with `x` before it; `od -An -b`, `-x`, `-o`, with `x` before them as well.
        let base32 = texts(base32(b"hunter2"));
        assert!("NB2W45DFOIZA====".starts_with(&base32[1]), "{base32:?}");
        assert!("PBUHK3TUMVZDE===".contains(&base32[3]), "{base32:?}");
        let dumped = texts(dumped(b"hunter2"));
        assert_eq!(dumped[0], "150165156164145162062");
        assert_eq!((dumped[1].as_str(), dumped[2].as_str()), ("7568746e7265", "072550072156071145"));
        assert_eq!((dumped[3].as_str(), dumped[4].as_str()), ("6e7565743272", "067165062564031162"));
    }

    #[test]
    fn one_sequence_stands_for_both_orders_of_utf_16_where_it_can() {
        assert_eq!(bytes("hi"), [b"hi".to_vec(), b"h\0i".to_vec()]);
        assert_eq!(bytes("\u{43f}").len(), 3);
    }
}
