//! Parses the output of ansible-runner in JSON mode: bytes to lines to events.
//!
//! `ansible-runner run --json` writes one JSON object per line for every event of Ansible, and between them,
//! unchanged, the lines that belong to no event: errors before the first play, deprecation notes, output of plugins. Both kinds
//! are kept.

use std::io::{self, BufRead};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::events::json_lines;

/// One line, or what became of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// A whole line without its end.
    Whole(Vec<u8>),
    /// A line longer than the limit; its bytes were counted and dropped.
    Oversized {
        /// How long it was.
        bytes: u64,
    },
}

/// Reads the next line of at most `limit` bytes; `None` at the end.
///
/// Memory use stays within the limit for any input: a longer line is read to its end and dropped.
///
/// # Errors
/// When reading fails.
pub fn next_line(source: &mut impl BufRead, limit: usize) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    let mut total: u64 = 0;
    loop {
        let chunk = match source.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if chunk.is_empty() {
            return Ok((total > 0).then(|| finished(line, total, limit)));
        }
        let end = memchr::memchr(b'\n', chunk);
        let part = &chunk[..end.unwrap_or(chunk.len())];
        total += part.len() as u64;
        if line.len() + part.len() <= limit {
            line.extend_from_slice(part);
        }
        let used = end.map_or(chunk.len(), |at| at + 1);
        source.consume(used);
        if end.is_some() {
            return Ok(Some(finished(line, total, limit)));
        }
    }
}

fn finished(line: Vec<u8>, total: u64, limit: usize) -> Line {
    if total > limit as u64 { Line::Oversized { bytes: total } } else { Line::Whole(line) }
}

/// An event as ansible-runner writes it, without unused fields.
#[derive(Debug, Clone, Deserialize)]
pub struct RunnerEvent {
    /// Its name: `runner_on_ok`, `playbook_on_stats` and so on.
    pub event: String,
    /// When Ansible made it.
    #[serde(default)]
    pub created: Option<Timestamp>,
    /// What Ansible printed for it.
    #[serde(default)]
    pub stdout: String,
    /// Everything else, by event.
    #[serde(default)]
    pub event_data: Map<String, Value>,
}

/// The parsed content of a line.
#[derive(Debug)]
pub enum Item {
    /// An event.
    Event(Box<RunnerEvent>),
    /// Output that belongs to no event.
    Text(String),
    /// Something too large to keep.
    Oversized {
        /// How large it was.
        bytes: u64,
    },
    /// An event that cannot be read. Never taken for text: it may hold what is dropped from events.
    Unreadable {
        /// How large it was.
        bytes: u64,
    },
}

/// Which lines of a stream are events.
///
/// The identifier is in no argument, no environment, and no name that can be derived from the run's, so output of a task
/// can't pass for an event.
#[derive(Debug, Clone)]
pub enum Events {
    /// Lines with this identifier.
    With(String),
    /// Lines with the identifier that the first event carries: ansible-runner makes it up when it starts, and prints an event
    /// before any task runs.
    LikeTheFirst(Option<String>),
    /// None: a terminal, to which every process of the run can write.
    Never,
}

/// What identifies the first event of ansible-runner.
#[derive(Deserialize)]
struct First {
    runner_ident: String,
    #[serde(rename = "uuid")]
    _uuid: String,
    /// Not always 1: what Ansible prints before its first event is counted, too.
    #[serde(rename = "counter")]
    _counter: u64,
}

impl Events {
    /// Distinguishes an event from other output.
    #[must_use]
    pub fn parse(&mut self, line: Line) -> Item {
        let ident = match (self, &line) {
            (Self::With(ident) | Self::LikeTheFirst(Some(ident)), _) => ident,
            (Self::LikeTheFirst(first), Line::Whole(bytes)) if bytes.first() == Some(&b'{') => {
                match serde_json::from_slice::<First>(&json_lines::repaired(bytes)) {
                    Ok(found) => first.insert(found.runner_ident),
                    Err(_) => return text(line),
                }
            }
            (Self::LikeTheFirst(None) | Self::Never, _) => return text(line),
        };
        parse(line, ident)
    }
}

fn text(line: Line) -> Item {
    match line {
        Line::Oversized { bytes } => Item::Oversized { bytes },
        Line::Whole(bytes) => Item::Text(String::from_utf8_lossy(&bytes).trim_end_matches('\r').to_owned()),
    }
}

/// Distinguishes events from other output by the identifier that the events of this run carry.
#[must_use]
pub fn parse(line: Line, ident: &str) -> Item {
    let Line::Whole(bytes) = line else { return text(line) };
    let marker = format!("\"runner_ident\": \"{ident}\"");
    if bytes.first() != Some(&b'{') || memchr::memmem::find(&bytes, marker.as_bytes()).is_none() {
        return text(Line::Whole(bytes));
    }
    let bytes = json_lines::with_large_integers_as_text(&bytes);
    let event = serde_json::from_slice::<RunnerEvent>(&bytes);
    match event.or_else(|_| serde_json::from_slice(&json_lines::repaired(&bytes))) {
        Ok(event) => Item::Event(Box::new(event)),
        Err(_) => Item::Unreadable { bytes: bytes.len() as u64 },
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn lines(input: &[u8], buffer: usize, limit: usize) -> Vec<Line> {
        let mut source = BufReader::with_capacity(buffer, input);
        std::iter::from_fn(|| next_line(&mut source, limit).expect("memory does not fail")).collect()
    }

    #[test]
    fn lines_come_out_the_same_however_the_bytes_arrive() {
        for buffer in 1..9 {
            let found = lines(b"ab\n\nlonger line\nend", buffer, 8);
            let whole = |text: &str| Line::Whole(text.into());
            assert_eq!(
                found,
                [whole("ab"), whole(""), Line::Oversized { bytes: 11 }, whole("end")],
                "{buffer}"
            );
        }
    }

    #[test]
    fn a_line_is_an_event_only_with_the_ident_of_this_run() {
        let line = |text: &str| Line::Whole(text.into());
        let event = r#"{"event":"runner_on_ok","runner_ident": "r1","event_data":{"x":NaN}}"#;
        assert!(matches!(parse(line(event), "r1"), Item::Event(_)));
        assert!(matches!(parse(line(event), "r2"), Item::Text(_)));
        assert!(matches!(parse(line(r#"{"event":1}"#), "r1"), Item::Text(_)));
        assert!(matches!(parse(line(&event[..50]), "r1"), Item::Unreadable { bytes: 50 }));
        assert!(
            matches!(parse(Line::Whole(b"\xff\xfe".to_vec()), "r1"), Item::Text(text) if text == "\u{fffd}\u{fffd}")
        );
    }

    #[test]
    fn the_first_event_says_which_lines_are_events() {
        let event = |ident: &str, counter: u32| {
            let text = format!(
                r#"{{"event": "verbose", "uuid": "u", "runner_ident": "{ident}", "counter": {counter}, "event_data": {{}}}}"#
            );
            Line::Whole(text.into())
        };
        let mut events = Events::LikeTheFirst(None);
        assert!(matches!(events.parse(Line::Whole(b"[WARNING]: x".to_vec())), Item::Text(_)));
        let other = br#"{"runner_ident": "no event"}"#.to_vec();
        assert!(matches!(events.parse(Line::Whole(other)), Item::Text(_)));
        assert!(matches!(events.parse(event("real", 2)), Item::Event(_)));
        assert!(matches!(events.parse(event("forged", 1)), Item::Text(_)));
        assert!(matches!(events.parse(event("real", 3)), Item::Event(_)));
        assert!(matches!(Events::Never.parse(event("real", 1)), Item::Text(_)));
        assert!(matches!(Events::With("real".to_owned()).parse(event("real", 9)), Item::Event(_)));
    }
}
