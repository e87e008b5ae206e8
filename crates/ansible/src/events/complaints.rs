//! Errors that Ansible prints outside of tasks and that do not change its exit code, and patterns that match no host.

use model::Draft;
use process::log_text::plain;

/// The maximum number that is kept.
const MOST: usize = 20;
/// How much of one is kept, in bytes.
const LONGEST: usize = 500;
/// Ansible's message for a name in a limit or a play that matches no host and no group.
const IGNORED_PATTERN: &str = "Could not match supplied host pattern, ignoring";

/// Collects them, each once.
#[derive(Debug, Default)]
pub(crate) struct Complaints(Vec<String>);

impl Complaints {
    /// Reads the next event.
    pub(crate) fn take(&mut self, event: &Draft) {
        // Within events of tasks, errors are those of the tasks.
        let may_complain = matches!(event.kind.as_str(), "error" | "warning" | "verbose" | "runner_stderr");
        if !may_complain || self.0.len() == MOST {
            return;
        }
        let is_one = |printed: &&String| printed.contains("[ERROR]:") || printed.contains("Could not match");
        let Some(printed) = event.stdout.as_ref().filter(is_one) else { return };
        let printed = plain(printed);
        let printed = printed.trim();
        let complaint = match printed.strip_prefix("[ERROR]:") {
            // The location and the quoted lines follow in further lines.
            Some(error) => error.lines().next().unwrap_or_default().trim().to_owned(),
            None => {
                // Warnings are wrapped.
                let words = printed.split_whitespace().collect::<Vec<_>>().join(" ");
                let Some(at) = words.find(IGNORED_PATTERN) else { return };
                words[at..].to_owned()
            }
        };
        let complaint = complaint[..complaint.floor_char_boundary(LONGEST)].to_owned();
        if !complaint.is_empty() && !self.0.contains(&complaint) {
            self.0.push(complaint);
        }
    }

    pub(crate) fn finish(self) -> Vec<String> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::Value;

    use super::*;

    #[test]
    fn errors_beside_tasks_and_patterns_without_hosts_are_kept_once() {
        let mut complaints = Complaints::default();
        for (kind, stdout) in [
            ("error", "\u{1b}[0;31m[ERROR]: No matching task \"x\" found. Note: y\u{1b}[0m\r\nOrigin: z\r\n"),
            ("error", "[ERROR]: No matching task \"x\" found. Note: y"),
            ("warning", "[WARNING]: Could not match supplied host pattern,\r\nignoring: nosuch\r\n"),
            ("warning", "[WARNING]: something else"),
            ("runner_on_failed", "[ERROR]: Task failed: no"),
        ] {
            let mut event = Draft::new(Timestamp::UNIX_EPOCH, kind.parse().expect("a kind"), Value::Null);
            event.stdout = Some(stdout.to_owned());
            complaints.take(&event);
        }
        assert_eq!(
            complaints.finish(),
            [
                "No matching task \"x\" found. Note: y",
                "Could not match supplied host pattern, ignoring: nosuch",
            ]
        );
    }
}
