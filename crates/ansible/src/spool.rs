//! The spool: a run's events on disk, numbered, one JSON object per line.
//!
//! The supervisor appends, the service reads. A line counts once its line end is there, so a supervisor that
//! is killed in the middle of one leaves nothing wrong behind.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write},
    path::Path,
};

use model::Draft;
use serde::{Deserialize, Serialize};

use crate::run_directory::new_file;

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
#[derive(Debug)]
pub struct Writer {
    file: BufWriter<File>,
    written: u64,
}

impl Writer {
    /// Begins a new spool.
    ///
    /// # Errors
    /// When the file exists or cannot be made.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { file: BufWriter::with_capacity(64 * 1024, new_file(path)?), written: 0 })
    }

    /// Appends an event; readers see it after the next [`Self::flush`] at the latest.
    ///
    /// # Errors
    /// What writing gives; the run must not be called a success after that.
    pub fn append(&mut self, draft: Draft) -> io::Result<()> {
        let entry = Entry { n: self.written + 1, draft };
        serde_json::to_writer(&mut self.file, &entry)?;
        self.file.write_all(b"\n")?;
        self.written = entry.n;
        Ok(())
    }

    /// Shows readers what was appended.
    ///
    /// # Errors
    /// What writing gives.
    pub fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }

    /// Makes everything durable; gives the number of events.
    ///
    /// # Errors
    /// What writing gives.
    pub fn finish(mut self) -> io::Result<u64> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        Ok(self.written)
    }
}

/// Reads events as they come.
#[derive(Debug)]
pub struct Reader {
    file: BufReader<File>,
    /// Where the first line begins that was not given out yet.
    offset: u64,
}

/// How many bytes of events one batch has at most, an event more or less.
const BATCH_BYTES: usize = 1 << 20;

impl Reader {
    /// Reads from the beginning.
    ///
    /// # Errors
    /// When the file cannot be opened; it may not be there yet.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: BufReader::with_capacity(64 * 1024, File::open(path)?), offset: 0 })
    }

    /// The next events with numbers above `after`, at most `limit`; empty when there are none yet.
    ///
    /// # Errors
    /// What reading gives; [`io::ErrorKind::InvalidData`] when a whole line is no event.
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
}
