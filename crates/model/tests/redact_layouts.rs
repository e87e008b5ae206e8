//! No output contains a secret in any layout: wrapped, separated, and dumped digits, spaced and colored text, lists of lines.

#![allow(clippy::unwrap_used, reason = "a failed test shows the line")]

use model::{Redactor, redact::MASK};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Digits of other encoders, by way of bits.
fn digits(bytes: &[u8], alphabet: &str, bits: usize) -> String {
    let all: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let digit = |bits_of_it: &[u8]| bits_of_it.iter().fold(0, |sum, bit| 2 * sum + usize::from(*bit));
    let padded = all.chunks(bits).map(|part| digit(part) << (bits - part.len()));
    padded.map(|digit| char::from(alphabet.as_bytes()[digit])).collect()
}

const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HEX: &str = "0123456789abcdef";

fn utf16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(order).collect()
}

/// Splits into lines of this width.
fn lines(text: &str, width: usize) -> Vec<String> {
    text.chars().collect::<Vec<_>>().chunks(width).map(String::from_iter).collect()
}

/// Layouts of digits in output: in one line, wrapped in all ways, in printed lists, colored.
fn layouts(digits: &str, width: usize) -> Vec<String> {
    let lines = lines(digits, width);
    let colored = lines.iter().map(|line| format!("\u{1b}[0;32m{line}\u{1b}[0m")).collect::<Vec<_>>();
    vec![
        digits.to_owned(),
        lines.join("\n"),
        lines.join("\r\n"),
        lines.join("\\n"),
        lines.join("\n        "),
        serde_json::to_string_pretty(&lines).unwrap(),
        Value::from(serde_json::to_string_pretty(&lines).unwrap()).to_string(),
        format!("['{}']", lines.join("', '")),
        format!("- {}\n", lines.join("\n- ")),
        format!("- '{}'\n", lines.join("'\n    - '")),
        colored.join("\n"),
    ]
}

/// How programs write bytes in hexadecimal with something between.
fn separated(bytes: &[u8]) -> Vec<String> {
    let each = |before: &str| bytes.iter().map(|byte| format!("{before}{byte:02x}")).collect::<Vec<_>>();
    let pairs = bytes.chunks(2).map(|pair| digits(pair, HEX, 4)).collect::<Vec<_>>();
    let upper = each("").join(":").to_uppercase();
    vec![
        each("").join(" "),
        each("").join(":"),
        upper,
        each("").join("-"),
        each("0x").join(", "),
        each("\\x").concat(),
        each("%").concat(),
        pairs.join(" "),
    ]
}

/// Rows of dumps: 16 bytes each, as `xxd`, `hexdump -C`, `od -tx1`, `od -b`, `od -x`, `od -c` and `od` show them.
fn dumps(bytes: &[u8]) -> Vec<Vec<String>> {
    let shown = |row: &[u8]| -> String {
        row.iter().map(|byte| if (32..127).contains(byte) { char::from(*byte) } else { '.' }).collect()
    };
    let words = |row: &[u8], show: fn(u16) -> String| {
        let word = |pair: &[u8]| u16::from(pair[0]) | u16::from(*pair.get(1).unwrap_or(&0)) << 8;
        row.chunks(2).map(|pair| show(word(pair))).collect::<Vec<_>>().join(" ")
    };
    let each =
        |row: &[u8], show: fn(u8) -> String| row.iter().map(|byte| show(*byte)).collect::<Vec<_>>().join(" ");
    let rows = |show: &dyn Fn(usize, &[u8]) -> String| -> Vec<String> {
        bytes.chunks(16).enumerate().map(|(number, row)| show(16 * number, row)).collect()
    };
    vec![
        rows(&|at, row| {
            let pairs = row.chunks(2).map(|pair| digits(pair, HEX, 4)).collect::<Vec<_>>().join(" ");
            format!("{at:08x}: {pairs:40} {}", shown(row))
        }),
        rows(&|at, row| {
            let (one, other) = row.split_at(row.len().min(8));
            let hex = |half| each(half, |byte| format!("{byte:02x}"));
            format!("{at:08x}  {:23}  {:23}  |{}|", hex(one), hex(other), shown(row))
        }),
        rows(&|at, row| format!("{at:07o} {}", each(row, |byte| format!("{byte:02x}")))),
        rows(&|at, row| format!("{at:07o} {}", each(row, |byte| format!("{byte:03o}")))),
        rows(&|at, row| format!("{at:07o} {}", words(row, |word| format!("{word:04x}")))),
        rows(&|at, row| format!("{at:07o}   {}", each(row, |byte| format!("{:>3}", char::from(byte))))),
        rows(&|at, row| format!("{at:07o} {}", words(row, |word| format!("{word:06o}")))),
    ]
}

/// Asserts that the text besides masks contains no long part of the form: at most what its neighbors at both ends take.
fn has_no_part(clean: &str, form: &str, longest: usize) -> Result<(), TestCaseError> {
    let form: Vec<char> = form.chars().filter(char::is_ascii_alphanumeric).collect();
    let clean: String = clean.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '*').collect();
    for part in form.windows(longest.min(form.len())) {
        let part: String = part.iter().collect();
        prop_assert!(!clean.contains(&part), "{clean} has {part}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_secret_survives_in_digits_however_they_are_laid_out(
        secret in "[a-z]{3}[ -)+-~]{7,60}[a-z]{3}", before in "[a-z]{0,7}", after in "[a-z]{0,7}",
        width in prop_oneof![Just(76_usize), Just(64), 8..70_usize],
    ) {
        let redactor = Redactor::new([&secret]);
        let text = format!("{before}{secret}{after}");
        for bytes in [text.as_bytes().to_vec(), utf16(&text, u16::to_le_bytes), utf16(&text, u16::to_be_bytes)] {
            let scale = bytes.len() / text.len();
            // What the text around it takes, and the digits that it shares with the secret.
            let beside = scale * before.len().max(after.len());
            for (all, bits) in [(digits(&bytes, BASE64, 6), 6), (digits(&bytes, BASE32, 5), 5), (digits(&bytes, HEX, 4), 4)] {
                for layout in layouts(&all, width) {
                    let clean = redactor.text(&layout).into_owned();
                    prop_assert!(clean.contains(MASK), "{layout}");
                    has_no_part(&clean, &all, (8 * beside).div_ceil(bits) + 8 * scale)?;
                }
                let mut value = Value::from(lines(&all, width));
                redactor.value(&mut value);
                prop_assert!(value.as_array().unwrap().iter().any(|line| line.as_str().unwrap().contains(MASK)), "{value}");
                has_no_part(&value.to_string(), &all, (8 * beside).div_ceil(bits) + 8 * scale)?;
            }
            for layout in separated(&bytes) {
                let clean = redactor.text(&layout).into_owned();
                has_no_part(&clean, &layout, 4 * beside + 16)?;
                prop_assert!(clean.contains(MASK), "{layout}");
            }
        }
    }

    #[test]
    fn no_secret_survives_in_a_dump(
        secret in "[a-z]{4}[!-)+-[\\]-~]{8,40}[a-z]{4}", before in "[a-z]{0,20}", after in "[a-z]{0,20}",
    ) {
        let redactor = Redactor::new([&secret]);
        for rows in dumps(format!("{before}{secret}{after}").as_bytes()) {
            let mut list = json!({ "stdout_lines": rows });
            redactor.value(&mut list);
            let list = list["stdout_lines"].as_array().unwrap().iter().map(|row| row.as_str().unwrap().to_owned());
            let printed = serde_json::to_string_pretty(&rows).unwrap();
            for clean in [
                redactor.text(&rows.join("\n")).into_owned(),
                list.collect::<Vec<_>>().join("\n"),
                redactor.text(&printed).into_owned(),
                redactor.text(&Value::from(rows.join("\n")).to_string()).into_owned(),
            ] {
                prop_assert!(clean.contains(MASK), "{clean}");
                for row in &rows {
                    // Sixteen bytes of the secret alone are nowhere left.
                    let whole = row.split_once(' ').unwrap().1;
                    let at = rows.iter().position(|other| other == row).unwrap() * 16;
                    let is_within = at >= before.len() && at + 16 <= before.len() + secret.len();
                    prop_assert!(!is_within || !clean.contains(whole), "{clean} has {whole}");
                    let text = row.chars().rev().take_while(|c| *c != ' ').collect::<Vec<_>>();
                    prop_assert!(!is_within || text.len() < 8 || !clean.contains(&text.iter().rev().collect::<String>()), "{clean}");
                }
            }
        }
    }

    #[test]
    fn no_secret_survives_with_colors_and_blanks_between_its_characters(
        secret in "[a-z]{3}[!-)+-[\\]-~]{1,30}[0-9]", code in "[0-9;]{0,8}",
    ) {
        let redactor = Redactor::new([&secret]);
        let join = |between: &str| secret.chars().map(String::from).collect::<Vec<_>>().join(between);
        for spread in [
            join(&format!("\u{1b}[{code}m")),
            join(&format!("\\u001b[{code}m")),
            join(&format!("\\x1b[{code}m")),
            join(&format!("\\033[{code}m")),
            join("\0"),
            join("\u{200b}"),
            join("\u{1b}]0;title\u{7}"),
            join(" "),
        ] {
            let clean = redactor.text(&spread).into_owned();
            prop_assert!(!clean.contains(&spread) && clean.contains(MASK), "{clean:?}");
            let shown: String = clean.chars().filter(char::is_ascii_graphic).collect();
            prop_assert!(!shown.contains(&secret), "{clean:?}");
        }
        if secret.len() >= 12 {
            for spread in [join("  "), join("\n"), join("\r\n"), join("\t")] {
                prop_assert_eq!(redactor.text(&spread), MASK);
            }
        }
    }

    #[test]
    fn items_of_a_list_are_masked_as_lines_of_one_text(
        parts in prop::collection::vec("[a-z]{1,3}[!-)+-~]{4,20}", 2..6), before in "[A-Z]{0,5}", after in "[A-Z]{0,5}",
    ) {
        let redactor = Redactor::new([parts.concat(), parts.join("\n")]);
        let last = parts.len() - 1;
        let mut items = parts.clone();
        items[0].insert_str(0, &before);
        items[last].push_str(&after);
        let mut value = json!({ "x": [1, items, null, ["other"]] });
        redactor.value(&mut value);
        let masked = vec![MASK.to_owned(); parts.len()];
        let expected = if last == 0 { vec![format!("{before}{MASK}{after}")] } else {
            let mut expected = masked;
            expected[0].insert_str(0, &before);
            expected[last].push_str(&after);
            expected
        };
        prop_assert_eq!(value, json!({ "x": [1, expected, null, ["other"]] }));
    }

    #[test]
    fn lists_without_secrets_are_unchanged(items in prop::collection::vec("[a-z \n:.=\"{}-]{0,30}", 0..9)) {
        let value = Value::from(items);
        let mut clean = value.clone();
        Redactor::new(["NOTTHERE-0123"]).value(&mut clean);
        prop_assert_eq!(clean, value);
    }
}

#[test]
fn a_private_key_in_a_list_of_lines_is_hidden_in_each_of_them() {
    let lines = ["x -----BEGIN RSA PRIVATE KEY-----", "MIIEow", "", "-----END RSA PRIVATE KEY----- y", "z"];
    let mut value = json!({ "stdout_lines": lines });
    Redactor::default().value(&mut value);
    assert_eq!(value, json!({ "stdout_lines": ["x ***", "***", "", "*** y", "z"] }));
}
