//! Why a run did not begin, or ended that did not end by itself.

use std::{io, time::Duration};

use jiff::Timestamp;
use model::{Code, Ending, Phase, PlaybookOutcome, Reason};
use process::{Ended, Excess, Limits};

use crate::run::workspace;

/// The reason of a run whose events could not be kept.
pub(crate) fn spool_failed(error: &io::Error) -> Reason {
    let message =
        format!("the events could not be written: {error}\nhint: is the disk of the state directory full?");
    Reason::new(Some(Phase::Run), Code::SpoolFailed, message)
}

pub(crate) fn canceled(ended: Ended) -> Reason {
    let message = format!(
        "canceled by request: {} processes were terminated on this node; work that was started on other hosts may continue",
        ended.signaled
    );
    Reason::new(Some(Phase::Run), Code::Canceled, message)
}

pub(crate) fn interrupted() -> Reason {
    let message = "the supervisor received SIGTERM from a process other than the service, for example during a system shutdown; \
                   the run was ended";
    Reason::new(Some(Phase::Run), Code::Interrupted, message)
}

pub(crate) fn total_timeout(limit: Duration) -> Reason {
    time_limit(Code::TotalTimeout, "took longer than", limit)
}

pub(crate) fn idle_timeout(limit: Duration) -> Reason {
    time_limit(Code::IdleTimeout, "printed nothing for", limit)
}

/// The reason of a run that printed more than `limit` bytes; 0 stands for no limit and never gets here.
pub(crate) fn output_limit(limit: u64) -> Reason {
    let message = format!(
        "the run printed more than {limit} bytes and was terminated; all output up to the limit was kept, and tasks that had \
         already started on other hosts may continue\nhint: `runs.output_max_bytes` sets the limit, 0 sets none"
    );
    Reason::new(Some(Phase::Run), Code::OutputLimit, message)
}

/// The reason of a run that used more than it may.
pub(crate) fn excess(excess: Excess, limits: Limits) -> Reason {
    let end = "and was terminated; work that was started on other hosts may continue\nhint:";
    let (code, message) = match excess {
        Excess::Memory => {
            let limit = limits.memory_bytes;
            let text =
                format!("the run used more than {limit} bytes of memory {end} `runs.memory_max_bytes` sets");
            (Code::MemoryLimit, text)
        }
        Excess::Processes => {
            let limit = limits.processes;
            let text = format!("the run wanted more than {limit} processes {end} `runs.processes_max` sets");
            (Code::ProcessLimit, text)
        }
    };
    Reason::new(Some(Phase::Run), code, message + " the limit, 0 sets none")
}

fn time_limit(code: Code, what: &str, limit: Duration) -> Reason {
    let message = format!(
        "the run {what} {} s and was terminated; work that was started on other hosts may continue",
        limit.as_secs_f64()
    );
    Reason::new(Some(Phase::Run), code, message)
}

/// The outcome of a run that was canceled before it did anything.
pub(crate) fn canceled_before_it_began() -> PlaybookOutcome {
    let reason = Reason::new(Some(Phase::Prepare), Code::Canceled, "canceled before Ansible was started");
    PlaybookOutcome::without_run(Ending::Canceled, reason, Timestamp::now())
}

/// The reason of a run whose directories could not be made.
pub(crate) fn prepare_failed(error: &workspace::Error) -> Box<Reason> {
    let code = match error {
        workspace::Error::PlaybookGone(_) => Code::PlaybookNotFound,
        workspace::Error::NoInventory => Code::InventoryNotFound,
        workspace::Error::Io { .. } => Code::PrepareFailed,
    };
    Box::new(Reason::new(Some(Phase::Prepare), code, error.to_string()))
}
