//! The spool: a run's events on disk, numbered, one JSON object per line.
//!
//! The supervisor appends, the service reads. A line counts once its line end is written, so a supervisor that
//! is killed within a line leaves no invalid event.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Seek, SeekFrom, Write},
    path::Path,
};

use model::Draft;
use serde::{Deserialize, Serialize};

use crate::run::directory::new_file;

/// An event with its number within the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// 1 for the first.
    pub n: u64,
    /// The event.
    #[serde(flatten)]
    pub draft: Draft,
}

/// Appends events.
///
/// After the first error nothing more is written, and what was written ends with a whole line: a disk that is
/// full for a moment must not leave half an event in the middle.
#[derive(Debug)]
pub struct Writer {
    file: File,
    /// Whole lines that are not in the file yet.
    pending: Vec<u8>,
    /// How many events `pending` holds.
    pending_events: u64,
    /// How long the file is up to its last whole line.
    good_bytes: u64,
    /// How many events the file holds up to there.
    good_events: u64,
    /// How many events were to be appended, whether they were or not.
    offered: u64,
    failed: bool,
}

/// How many bytes are buffered before they are written automatically.
const BUFFER: usize = 64 * 1024;

impl Writer {
    /// Begins a new spool.
    ///
    /// # Errors
    /// When the file exists or cannot be made.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = new_file(path)?;
        Ok(Self {
            file,
            pending: Vec::new(),
            pending_events: 0,
            good_bytes: 0,
            good_events: 0,
            offered: 0,
            failed: false,
        })
    }

    /// Appends an event. Readers see it after the next [`Self::flush`] at the latest.
    ///
    /// # Errors
    /// When writing fails. The run must not succeed after that.
    pub fn append(&mut self, draft: Draft) -> io::Result<()> {
        self.offered += 1;
        let entry = Entry { n: self.events() + 1, draft };
        let begin = self.pending.len();
        if let Err(error) = serde_json::to_writer(&mut self.pending, &entry) {
            self.pending.truncate(begin);
            return Err(error.into());
        }
        self.pending.push(b'\n');
        self.pending_events += 1;
        if self.pending.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    /// Makes appended events visible to readers.
    ///
    /// # Errors
    /// When writing fails.
    pub fn flush(&mut self) -> io::Result<()> {
        if self.failed {
            return Err(io::Error::other("an earlier event could not be written"));
        }
        if let Err(error) = self.file.write_all(&self.pending) {
            self.failed = true;
            self.pending = Vec::new();
            self.pending_events = 0;
            // If this fails too, the partial line stays at the end, and readers ignore it.
            let _ = self.file.set_len(self.good_bytes);
            return Err(error);
        }
        self.good_bytes += self.pending.len() as u64;
        self.good_events += std::mem::take(&mut self.pending_events);
        self.pending.clear();
        Ok(())
    }

    /// How many events were appended and not lost.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.good_events + self.pending_events
    }

    /// How many events were to be appended: more than [`Self::events`] when some were lost.
    #[must_use]
    pub const fn offered(&self) -> u64 {
        self.offered
    }

    /// Makes everything durable.
    ///
    /// # Errors
    /// When writing fails, or failed earlier.
    pub fn finish(&mut self) -> io::Result<()> {
        self.flush()?;
        self.file.sync_all()
    }
}

/// Reads events as they come.
#[derive(Debug)]
pub struct Reader {
    file: BufReader<File>,
    /// The offset of the first line that was not returned yet.
    offset: u64,
}

/// How many bytes of events one batch has at most, an event more or less.
const BATCH_BYTES: usize = 1 << 20;

impl Reader {
    /// Reads from the beginning.
    ///
    /// # Errors
    /// When the file cannot be opened. It may not exist yet.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: BufReader::with_capacity(64 * 1024, File::open(path)?), offset: 0 })
    }

    /// The next events with numbers above `after`, at most `limit`. Empty if there are none yet.
    ///
    /// # Errors
    /// When reading fails; [`io::ErrorKind::InvalidData`] when a complete line is not an event.
    pub fn next_batch(&mut self, after: u64, limit: usize) -> io::Result<Vec<Entry>> {
        self.file.seek(SeekFrom::Start(self.offset))?;
        let mut batch = Vec::new();
        let mut line = Vec::new();
        let mut bytes = 0;
        while batch.len() < limit && bytes < BATCH_BYTES {
            line.clear();
            self.file.read_until(b'\n', &mut line)?;
            if line.pop() != Some(b'\n') {
                break;
            }
            self.offset += line.len() as u64 + 1;
            let entry: Entry = serde_json::from_slice(&line)?;
            if entry.n > after {
                bytes += line.len();
                batch.push(entry);
            }
        }
        Ok(batch)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use jiff::Timestamp;
    use model::EventKind;
    use serde_json::json;

    use super::*;

    fn draft(n: u64) -> Draft {
        Draft::new(Timestamp::UNIX_EPOCH, EventKind::VERBOSE, json!({ "n": n }))
    }

    #[test]
    fn a_reader_gets_every_event_once_and_never_half_a_line() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("spool");
        let mut writer = Writer::create(&path).expect("a new file");
        let mut reader = Reader::open(&path).expect("an existing file");
        assert!(reader.next_batch(0, 10).expect("readable").is_empty());
        for n in 1..=3 {
            writer.append(draft(n)).expect("writable");
        }
        writer.flush().expect("writable");
        let mut raw = File::options().append(true).open(&path).expect("writable");
        raw.write_all(br#"{"n":4,"time":"1970-01"#).expect("writable");
        let numbers = |batch: Vec<Entry>| batch.into_iter().map(|entry| entry.n).collect::<Vec<_>>();
        assert_eq!(numbers(reader.next_batch(1, 1).expect("readable")), [2]);
        assert_eq!(numbers(reader.next_batch(1, 10).expect("readable")), [3]);
        assert!(reader.next_batch(1, 10).expect("readable").is_empty());
    }

    #[test]
    fn a_spool_that_failed_once_ends_with_a_whole_line_and_takes_no_more() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("spool");
        let mut writer = Writer::create(&path).expect("a new file");
        writer.append(draft(1)).expect("writable");
        writer.flush().expect("writable");
        // /dev/full takes nothing, like a disk that is full.
        let file = std::mem::replace(
            &mut writer.file,
            File::options().write(true).open("/dev/full").expect("there"),
        );
        writer.append(draft(2)).expect("only collected");
        assert!(writer.flush().is_err());
        writer.file = file;
        assert!(writer.append(draft(3)).is_ok() && writer.finish().is_err());
        assert_eq!(writer.good_events, 1);
        assert!(fs::read(&path).expect("readable").ends_with(b"\n"));
        assert_eq!(Reader::open(&path).expect("there").next_batch(0, 10).expect("whole lines").len(), 1);
    }
}
