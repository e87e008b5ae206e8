//! Why a run loop ends the processes of a run, and what that makes of the run.

use std::io;

use model::{Ending, Reason};
use process::{Ended, Excess, Limits};

use crate::{
    events::diagnose::{Evidence, diagnose},
    run::reasons,
};

/// Why the loop began to end the tree.
pub(crate) enum Cause {
    /// Ansible ended by itself, with this exit code; `None` after a signal.
    Exit(Option<i32>),
    /// A request to stop.
    Stop,
    /// A signal from elsewhere.
    Signal,
    /// The limit of its time.
    Total,
    /// The limit of its silence.
    Idle,
    /// The limit of its output.
    Output,
    /// Another limit.
    Excess(Excess),
    /// Its events could not be kept.
    Spool(io::Error),
}

impl Cause {
    /// How the run ended, and the reason, when its tree has been ended.
    pub(crate) fn verdict(self, evidence: &Evidence<'_>, limits: Limits, ended: Ended) -> (Ending, Reason) {
        let (ending, mut reason) = match self {
            Self::Exit(_) => diagnose(evidence),
            Self::Stop => (Ending::Canceled, reasons::canceled(ended)),
            Self::Signal => (Ending::Failed, reasons::interrupted()),
            Self::Total => (Ending::TimedOut, reasons::total_timeout(limits.total)),
            Self::Idle => (Ending::TimedOut, reasons::idle_timeout(limits.idle.unwrap_or_default())),
            Self::Excess(excess) => (Ending::Failed, reasons::excess(excess, limits)),
            Self::Output => (Ending::Failed, reasons::output_limit(limits.output_bytes)),
            Self::Spool(error) => (Ending::Failed, reasons::spool_failed(&error)),
        };
        if ended.survivors > 0 && (ending == Ending::Canceled || ended.survivors > ended.not_ours) {
            reason.message = format!(
                "{} processes of the run could not be terminated; {}",
                ended.survivors, reason.message
            );
            return (Ending::Failed, reason);
        }
        (ending, reason)
    }
}
