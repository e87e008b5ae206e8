//! What the commands share: the service, the output, and questions on the terminal.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use super::{client::Client, failure::Failure, paint::Paint};

/// A command that runs.
pub(super) struct Session<'a> {
    pub(super) client: Client,
    pub(super) json: bool,
    pub(super) paint: Paint,
    /// Whether progress is drawn over itself.
    pub(super) draws: bool,
    pub(super) out: &'a mut dyn Write,
}

impl<'a> Session<'a> {
    pub(super) fn new(client: Client, json: bool, out: &'a mut dyn Write) -> Self {
        let draws = io::stdout().is_terminal() && !json;
        Self { client, json, paint: Paint::for_stdout(), draws, out }
    }

    /// Prints JSON, or else the text.
    pub(super) fn print(
        &mut self,
        value: &impl Serialize,
        text: impl FnOnce(Paint) -> String,
    ) -> io::Result<()> {
        match self.json {
            true => json(value, self.out),
            false => write(&text(self.paint), self.out),
        }
    }

    /// Prints a line, unless the output is JSON.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        if self.json { Ok(()) } else { write(&format!("{text}\n"), self.out) }
    }
}

/// Prints a line about the connection, or what the user can do. Standard output isn't used: it may be a file, or JSON.
pub(super) fn notice(text: &str) -> io::Result<()> {
    write(&format!("{text}\n"), &mut io::stderr())
}

/// Prints a value as JSON.
pub(super) fn json(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(io::Error::other)?;
    write(&format!("{text}\n"), out)
}

/// Prints a text. It's not an error if the reader closed the pipe, for example `head`.
pub(super) fn write(text: &str, out: &mut dyn Write) -> io::Result<()> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        ended => ended,
    }
}

/// Can the user be asked?
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks on the terminal; returns the answer without spaces around it. Standard output isn't used: it may be a file.
pub(super) async fn ask(question: &str) -> Result<String, Failure> {
    io::stderr().write_all(question.as_bytes())?;
    io::stderr().flush()?;
    let read = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).map(|_| answer)
    });
    let answer = read.await.map_err(io::Error::other)??;
    Ok(answer.trim().to_owned())
}
