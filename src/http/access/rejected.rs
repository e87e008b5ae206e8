//! Rejected requests in the log.

/// Request extension: the guard rejected the request, so the request itself is not logged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rejected;

/// Maximum length of request data in a log line, in characters.
const LOGGED_CHARACTERS: usize = 200;

/// Shortens a string of a client for the log.
pub(crate) fn shortened(text: &str) -> &str {
    text.char_indices().nth(LOGGED_CHARACTERS).map_or(text, |(end, _)| &text[..end])
}
