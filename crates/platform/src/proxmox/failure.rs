//! From an answer of Proxmox to what the caller can do about it. The texts are those of qemu-server, pve-storage, and pve-cluster.

use std::{error::Error as _, time::Duration};

use super::error::Error as CallError;
use crate::error::Error;

/// After this time, a thing that is locked is tried again.
const LOCKED: Duration = Duration::from_secs(1);
/// Parts of the texts of locks that end by themselves.
const LOCKS: [&str; 5] = [
    "got timeout",
    "got lock request timeout",
    "VM is locked",
    "trying to acquire lock",
    "file change by other user",
];

/// What a failed call means; one that changes something may have been carried out without an answer.
pub(super) fn class(error: CallError, changes: bool) -> Error {
    let what = chain(&error);
    let no_answer = |what| if changes { Error::Unknown { what } } else { Error::retry(what) };
    match error {
        CallError::Unreachable { source, .. } if source.is_connect() => Error::retry(what),
        CallError::Unreachable { .. } | CallError::TimedOut { .. } | CallError::Unreadable { .. } => {
            no_answer(what)
        }
        CallError::Refused { status, message, .. } => match status {
            401 => Error::refused_with(what, "check `token_id` and `token_secret` of the platform"),
            403 => Error::refused_with(what, "give the token the privilege that the message names"),
            // A node of the cluster could not be connected to.
            429 | 503 | 595 => Error::Retry { what, after: Some(LOCKED) },
            502 | 504 | 596..=599 => no_answer(what),
            _ if is_lock(&message) => Error::Retry { what, after: Some(LOCKED) },
            _ if is_gone(&message) => Error::gone(what),
            _ => Error::refused(what),
        },
        CallError::BadHost(_)
        | CallError::BadPath(_)
        | CallError::BadToken
        | CallError::CaFile { .. }
        | CallError::Client(_)
        | CallError::NoList { .. } => Error::refused(what),
    }
}

/// What the end of a task means. Most of its work may have been done before it failed.
pub(super) fn task_end(what: &str, status: &str) -> Result<(), Error> {
    let is_done = status == "OK" || status.starts_with("WARNINGS:") || status.ends_with("already running");
    if is_done {
        return Ok(());
    }
    let what = format!("Proxmox could not {what}: {status}");
    if is_lock(status) { Err(Error::Unknown { what }) } else { Err(Error::refused(what)) }
}

/// Is something locked for a while?
pub(super) fn is_lock(text: &str) -> bool {
    // A guest that does not answer is not a lock.
    !text.contains("qmp command") && LOCKS.iter().any(|lock| text.contains(lock))
}

fn is_gone(text: &str) -> bool {
    text.contains("does not exist")
        || text.contains("no such task")
        || text.contains("unable to parse worker upid")
}

/// Was the number of a machine taken by another one in the meantime?
pub(super) fn is_taken(error: &Error) -> bool {
    let texts = ["already exist", "already used", "already defined"];
    matches!(error, Error::Refused { what, .. } if texts.iter().any(|text| what.contains(text)))
}

fn chain(error: &CallError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, message: &str) -> Error {
        class(CallError::Refused { host: "pve".to_owned(), status, message: message.to_owned() }, true)
    }

    #[test]
    fn locks_are_tried_again_and_refusals_are_not() {
        for text in [
            "can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout",
            "cfs-lock 'storage-local' error: got lock request timeout",
            "VM is locked (clone)",
            "checksum mismatch (file change by other user?)",
        ] {
            assert!(matches!(answered(500, text), Error::Retry { after: Some(_), .. }), "{text}");
            assert!(matches!(task_end("start machine 100", text), Err(Error::Unknown { .. })), "{text}");
        }
        for text in ["cluster not ready - no quorum?", "can't remove VM 100 - protection mode enabled"] {
            assert!(matches!(answered(500, text), Error::Refused { .. }), "{text}");
            assert!(matches!(task_end("remove machine 100", text), Err(Error::Refused { .. })), "{text}");
        }
        let gone = answered(500, "Configuration file 'nodes/pve1/qemu-server/7.conf' does not exist");
        assert!(matches!(gone, Error::Gone { .. }));
        assert!(is_taken(&answered(500, "unable to create VM 100: config file already exists")));
    }

    #[test]
    fn a_task_with_warnings_succeeded() {
        for status in ["OK", "WARNINGS: 2", "VM 100 already running"] {
            assert_eq!(task_end("start machine 100", status), Ok(()), "{status}");
        }
        assert!(task_end("start machine 100", "unexpected status").is_err());
    }

    #[test]
    fn a_change_without_an_answer_is_unknown_and_a_read_is_repeated() {
        let timeout = || CallError::TimedOut { host: "pve".to_owned() };
        assert!(matches!(class(timeout(), true), Error::Unknown { .. }));
        assert!(matches!(class(timeout(), false), Error::Retry { .. }));
        assert!(matches!(answered(595, "No route to host"), Error::Retry { .. }));
        assert!(matches!(answered(596, "Connection timed out"), Error::Unknown { .. }));
    }
}
