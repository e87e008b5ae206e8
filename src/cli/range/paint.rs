//! Colors, for terminals only, and durations as text.

use std::{
    env,
    io::{IsTerminal, stdout},
};

/// Adds colors, or does not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    is_on: bool,
}

/// A color of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Color {
    Red,
    Green,
    Yellow,
    Cyan,
    Bold,
    Dim,
}

impl Paint {
    /// Colors if standard output is a terminal, and `NO_COLOR` is not set (<https://no-color.org>).
    pub(super) fn for_stdout() -> Self {
        let is_wanted = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let is_dumb = env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        Self { is_on: is_wanted && !is_dumb && stdout().is_terminal() }
    }

    /// The text in this color.
    pub(super) fn text(self, color: Color, text: &str) -> String {
        let code = match color {
            _ if !self.is_on => return text.to_owned(),
            Color::Red => 31,
            Color::Green => 32,
            Color::Yellow => 33,
            Color::Cyan => 36,
            Color::Bold => 1,
            Color::Dim => 2,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

#[cfg(test)]
impl Paint {
    /// No colors.
    pub(super) const OFF: Self = Self { is_on: false };
    /// Colors, wherever the text goes.
    pub(super) const ON: Self = Self { is_on: true };
}

/// A duration in its two largest units: `45s`, `2m 10s`, `1h 5m`; below a second in milliseconds.
pub(super) fn duration(ms: u64) -> String {
    let seconds = (ms + 500) / 1000;
    match seconds {
        _ if ms < 1000 => format!("{ms}ms"),
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        _ => format!("{}h {}m", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units() {
        for (ms, text) in [
            (0, "0ms"),
            (999, "999ms"),
            (1_499, "1s"),
            (59_400, "59s"),
            (130_000, "2m 10s"),
            (3_900_000, "1h 5m"),
        ] {
            assert_eq!(duration(ms), text);
        }
    }

    #[test]
    fn only_a_terminal_gets_colors() {
        assert_eq!(Paint::OFF.text(Color::Red, "x"), "x");
        assert_eq!(Paint::ON.text(Color::Red, "x"), "\u{1b}[31mx\u{1b}[0m");
    }
}
