//! The file of a simulated platform: one change a line. Processes with the same file take turns by a lock, and each reads what the
//! others have appended before it acts.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Seek, SeekFrom, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};

use super::world::{Line, World};

/// From this size on a file is compacted when it is opened.
const COMPACT_FROM_BYTES: u64 = 4 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    /// Held while a change is made. A file of its own, because that of the changes may be replaced.
    lock: File,
    file: File,
    /// How much of the file the world has.
    read: u64,
}

impl Journal {
    /// Opens the file, or makes it, and reads it.
    pub(super) fn open(path: &Path) -> io::Result<(Self, World)> {
        let lock = OpenOptions::new().create(true).append(true).open(path.with_extension("lock"))?;
        flock(&lock, FlockOperation::LockExclusive)?;
        let mut journal = Self { path: path.to_owned(), lock, file: open(path)?, read: 0 };
        let mut world = World::default();
        journal.catch_up(&mut world)?;
        if journal.read > COMPACT_FROM_BYTES {
            journal.compact(&world)?;
        }
        flock(&journal.lock, FlockOperation::Unlock)?;
        Ok((journal, world))
    }

    /// Makes a change with the world as all processes left it, and keeps it.
    pub(super) fn change<T>(
        &mut self,
        world: &mut World,
        act: impl FnOnce(&mut World) -> T,
    ) -> io::Result<T> {
        flock(&self.lock, FlockOperation::LockExclusive)?;
        let result = self.catch_up(world).and_then(|()| {
            let result = act(world);
            self.append(&world.take_changes())?;
            Ok(result)
        });
        flock(&self.lock, FlockOperation::Unlock)?;
        result
    }

    fn catch_up(&mut self, world: &mut World) -> io::Result<()> {
        if fs::metadata(&self.path).map(|there| there.ino()).ok() != Some(self.file.metadata()?.ino()) {
            self.file = open(&self.path)?;
            self.read = 0;
            *world = World::default();
        }
        if self.file.metadata()?.len() == self.read {
            return Ok(());
        }
        self.file.seek(SeekFrom::Start(self.read))?;
        let mut reader = BufReader::new(&self.file);
        let mut text = Vec::new();
        loop {
            text.clear();
            let length = reader.read_until(b'\n', &mut text)?;
            if text.last() != Some(&b'\n') {
                break;
            }
            let line = serde_json::from_slice::<Line>(&text)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            world.apply(line, false);
            self.read += length as u64;
        }
        // The rest is a line of a process that ended while it wrote: it never took effect.
        self.file.set_len(self.read)
    }

    fn append(&mut self, lines: &[Line]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let text = text_of(lines.iter())?;
        self.file.write_all(&text)?;
        self.read += text.len() as u64;
        Ok(())
    }

    fn compact(&mut self, world: &World) -> io::Result<()> {
        let lines: Vec<Line> = world.as_lines().collect();
        let text = text_of(lines.iter())?;
        let beside = self.path.with_extension("new");
        fs::write(&beside, &text)?;
        fs::rename(&beside, &self.path)?;
        (self.file, self.read) = (open(&self.path)?, text.len() as u64);
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).read(true).append(true).open(path)
}

fn text_of<'a>(lines: impl Iterator<Item = &'a Line>) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut text, line)?;
        text.push(b'\n');
    }
    Ok(text)
}
