//! Properties of all input from runs: output of Ansible, truncated spools. Any bytes are parsed or rejected: nothing panics,
//! and nothing exceeds its limits of memory and time.
//!
//! `PROPTEST_CASES` is the number of cases of each property. `./torture.sh fuzz` runs many.

#![allow(clippy::unwrap_used, reason = "a failed test shows the line")]

use std::{fs, io::BufReader};

use ansible::events::{
    spool,
    stream::{self, Item, Line},
};
use process::log_text;
use proptest::prelude::*;

const IDENT: &str = "r1";

/// What ansible-runner might write: events of this run, damaged ones, lines of anything.
fn output() -> impl Strategy<Value = Vec<u8>> {
    let event = r#"\{"event": ?"runner_on_ok", "runner_ident": "r1", ("event_data": ?\{("x": ?(NaN|-Infinity|1|"\\ud83d"|"\\\\u")){0,1}\},? ?){0,2}"stdout": "[a-z\\"\x1b\[0-9m]{0,20}"\}"#;
    let line = prop_oneof![
        event.prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..80),
        "(\\{|\\}|\"|\\\\|\\\\ud[89]|NaN|Infinity|-|\"runner_ident\": \"r1\"|,|:|\\[){0,30}"
            .prop_map(String::into_bytes),
    ];
    prop::collection::vec(line, 0..12).prop_map(|lines| lines.join(&b'\n'))
}

fn lines(bytes: &[u8], buffer: usize, limit: usize) -> Vec<Line> {
    let mut source = BufReader::with_capacity(buffer, bytes);
    std::iter::from_fn(|| stream::next_line(&mut source, limit).unwrap()).collect()
}

proptest! {
    #[test]
    fn output_is_the_same_however_it_is_split_and_no_line_is_longer_than_it_may(
        bytes in output(), buffer in 1_usize..64, limit in 1_usize..100,
    ) {
        let found = lines(&bytes, buffer, limit);
        prop_assert_eq!(&found, &lines(&bytes, 64 * 1024, limit));
        let mut seen = 0;
        for line in &found {
            seen += match line {
                Line::Whole(line) => {
                    prop_assert!(line.len() <= limit);
                    line.len() as u64
                }
                Line::Oversized { bytes } => {
                    prop_assert!(*bytes > limit as u64);
                    *bytes
                }
            };
        }
        let ends = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        prop_assert_eq!(seen + ends, bytes.len() as u64);
    }

    #[test]
    fn a_line_of_another_run_is_never_an_event(bytes in output()) {
        for line in lines(&bytes, 1024, 1 << 20) {
            let is_event = matches!(stream::parse(line, "another"), Item::Event(_) | Item::Unreadable { .. });
            prop_assert!(!is_event);
        }
        for line in lines(&bytes, 1024, 1 << 20) {
            let _ = stream::parse(line, IDENT);
        }
    }

    #[test]
    fn plain_text_has_no_control_sequences_left(text in "([a-z]|\\x1b\\[[0-9;]{0,6}[a-zA-Z]|\\x1b|\\r|\\n|\\x07|\\x1b\\]|\\x1bP|\\x1b\\\\|\u{9b}|\u{9d}|\u{9c}|\\x08|é){0,60}") {
        let plain = log_text::plain(&text);
        prop_assert!(!plain.contains(|c: char| c.is_control() && c != '\n' && c != '\t'), "{:?}", plain);
        prop_assert_eq!(log_text::plain(&log_text::colored(&text)), plain);
        let _ = log_text::unix_lines(&text);
    }

    #[test]
    fn a_spool_that_was_cut_or_damaged_gives_whole_events_in_order_or_an_error(
        numbers in prop::collection::vec(0_u64..40, 0..20), cut in 0_usize..2000, junk in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("spool");
        let line = |n: &u64| format!("{{\"n\":{n},\"time\":\"2026-01-01T00:00:00Z\",\"kind\":\"verbose\",\"data\":{{}}}}\n");
        let mut bytes: Vec<u8> = numbers.iter().map(line).collect::<String>().into_bytes();
        bytes.truncate(cut);
        bytes.extend(&junk);
        fs::write(&path, &bytes).unwrap();
        let mut reader = spool::Reader::open(&path).unwrap();
        let mut given = 0;
        while let Ok(batch) = reader.next_batch(0, 3) {
            if batch.is_empty() {
                break;
            }
            given += batch.len();
            prop_assert!(given <= numbers.len() + junk.len());
        }
    }
}
