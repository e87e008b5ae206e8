//! What a machine prints on its console, and the last lines of it for the reason of a failure.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
};

use super::home::MachineDir;

const CONSOLE: &str = "console.log";
/// Lines of the console in a reason.
const LINES: usize = 10;
/// The end of the console that is read, in bytes: a machine can print without a limit.
const READ: u64 = 16 * 1024;

/// The file with everything that the machine printed since its last start.
pub(super) fn file(dir: &MachineDir) -> PathBuf {
    dir.file(CONSOLE)
}

/// The last lines that the machine printed.
pub(super) fn last_lines(dir: &MachineDir) -> String {
    let read = || {
        let mut console = File::open(file(dir))?;
        let length = console.metadata()?.len();
        console.seek(SeekFrom::Start(length.saturating_sub(READ)))?;
        let mut bytes = Vec::new();
        console.take(READ).read_to_end(&mut bytes).map(|_| bytes)
    };
    let bytes: std::io::Result<Vec<u8>> = read();
    let text = plain(&String::from_utf8_lossy(&bytes.unwrap_or_default()));
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

/// The text without colors and other control sequences, which a boot is full of.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            // A sequence ends with its first letter; those of one letter have none of `[`, `(`, and `)`.
            '\u{1b}' => match chars.next() {
                Some('[') => drop(chars.by_ref().find(|char| ('@'..='~').contains(char))),
                Some('(' | ')') => drop(chars.next()),
                _ => {}
            },
            '\r' => plain.push('\n'),
            '\n' | '\t' => plain.push(char),
            char if char.is_control() => {}
            char => plain.push(char),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_console_is_plain_text() {
        let boot = "\u{1b}[0;1;31m[FAILED]\u{1b}[0m Failed to start \u{1b}[0;1;39mssh.service\u{1b}[0m.\r\n\u{1b}(B\u{7}login: ";
        assert_eq!(plain(boot), "[FAILED] Failed to start ssh.service.\n\nlogin: ");
    }
}
