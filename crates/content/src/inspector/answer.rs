//! The answer of an inspector: a line of JSON, followed by the output, whose length the line contains.

use std::{
    fmt,
    io::{self, Write},
};

use process::Excess;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};

/// How much a program may print, in bytes: its output and its errors together.
pub(super) const MAX_OUTPUT: u64 = 8 << 20;
/// The longest first line.
const MAX_HEAD: u64 = 64 << 10;

/// How the program of an inspection ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// By itself, with this exit code; `None` after a signal.
    Exit(Option<i32>),
    /// Terminated: it took too long.
    Clock,
    /// Terminated: it printed too much.
    Output,
    /// Terminated: it used too much memory.
    Memory,
    /// Terminated: it had too many processes.
    Processes,
    /// Terminated: the caller left, or the service ended.
    CallerGone,
    /// Not executed, or nothing is known of its end.
    Failed(String),
}

impl Ending {
    /// Whether a limit of inspections ended it.
    #[must_use]
    pub const fn is_limit(&self) -> bool {
        matches!(self, Self::Clock | Self::Output | Self::Memory | Self::Processes)
    }
}

impl From<Excess> for Ending {
    fn from(excess: Excess) -> Self {
        match excess {
            Excess::Memory => Self::Memory,
            Excess::Processes => Self::Processes,
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(Some(code)) => write!(f, "exit code {code}"),
            Self::Exit(None) => f.write_str("terminated by a signal"),
            Self::Clock => f.write_str("terminated, time limit"),
            Self::Output => f.write_str("terminated, output limit"),
            Self::Memory => f.write_str("terminated, memory limit"),
            Self::Processes => f.write_str("terminated, process limit"),
            Self::CallerGone => f.write_str("terminated, the caller left"),
            Self::Failed(_) => f.write_str("failed"),
        }
    }
}

/// What an inspection left.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) ending: Ending,
    /// How many processes could not be ended.
    pub(crate) survivors: u32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    ending: Ending,
    survivors: u32,
    stdout: u64,
    stderr: u64,
}

impl Answer {
    /// One without output.
    pub(super) const fn of(ending: Ending) -> Self {
        Self { ending, survivors: 0, stdout: Vec::new(), stderr: Vec::new() }
    }

    pub(super) fn write(&self, mut to: impl Write) -> io::Result<()> {
        let header = Header {
            ending: self.ending.clone(),
            survivors: self.survivors,
            stdout: self.stdout.len() as u64,
            stderr: self.stderr.len() as u64,
        };
        let mut header = serde_json::to_vec(&header)?;
        header.push(b'\n');
        to.write_all(&header)?;
        to.write_all(&self.stdout)?;
        to.write_all(&self.stderr)?;
        to.flush()
    }

    /// Reads one; never more than an inspector may send.
    pub(super) async fn read(from: impl AsyncRead + Unpin) -> io::Result<Self> {
        let mut from = BufReader::new(from).take(MAX_HEAD);
        let mut line = Vec::new();
        from.read_until(b'\n', &mut line).await?;
        if line.last() != Some(&b'\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let header: Header = serde_json::from_slice(&line)?;
        if header.stdout > MAX_OUTPUT || header.stderr > MAX_OUTPUT {
            return Err(io::Error::other("an inspector sent more than it may"));
        }
        from.set_limit(header.stdout + header.stderr);
        let mut stdout = Vec::new();
        from.read_to_end(&mut stdout).await?;
        if stdout.len() as u64 != header.stdout + header.stderr {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let stderr = stdout.split_off(usize::try_from(header.stdout).unwrap_or(usize::MAX));
        Ok(Self { ending: header.ending, survivors: header.survivors, stdout, stderr })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_is_read_as_it_was_written_and_a_part_of_it_is_none() {
        let answer = Answer {
            ending: Ending::Exit(Some(4)),
            survivors: 1,
            stdout: b"one\ntwo".to_vec(),
            stderr: vec![0xff, b'\n'],
        };
        let mut bytes = Vec::new();
        answer.write(&mut bytes).expect("memory");
        let read = Answer::read(bytes.as_slice()).await.expect("an answer");
        assert_eq!((read.ending, read.survivors), (answer.ending, 1));
        assert_eq!((read.stdout, read.stderr), (answer.stdout, answer.stderr));
        for end in 0..bytes.len() {
            assert!(Answer::read(&bytes[..end]).await.is_err(), "{end}");
        }
        let huge = br#"{"ending":"clock","survivors":0,"stdout":99999999999,"stderr":0}"#;
        assert!(Answer::read([huge.as_slice(), b"\n"].concat().as_slice()).await.is_err());
    }
}
