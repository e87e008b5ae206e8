//! Why a command about ranges failed, and its exit codes.

use std::{fmt::Write as _, io, process::ExitCode};

use api::Problem;

/// `plan --exit-code` found changes, or `drift --exit-code` found differences.
pub(super) const DIFFERS: u8 = 3;
/// The command was interrupted, and the job continues.
pub(super) const DETACHED: u8 = 130;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// Done, or there was nothing to do.
    Done,
    /// The job failed or was canceled, or the user declined.
    Failed,
    /// There is a difference, and the caller asked for an exit code.
    Differs,
    /// The job continues without this program.
    Detached,
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Done => Self::SUCCESS,
            Ended::Failed => Self::FAILURE,
            Ended::Differs => Self::from(DIFFERS),
            Ended::Detached => Self::from(DETACHED),
        }
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The service cannot be reached.
    #[error(
        "cannot reach the service at {url}\nhint: is it running? `--url` or RANGEHAND_URL sets its address"
    )]
    Unreachable {
        /// The address.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The URL of the service is invalid.
    #[error("`{0}` is not the URL of a service: use `http://HOST:PORT` or `https://HOST`")]
    Url(String),
    /// The service rejected the request.
    #[error("{}", problem_text(.0))]
    Rejected(Box<Problem>),
    /// The service sent something else than expected.
    #[error("unexpected reply of {url} with status {status}: {text}")]
    Unexpected {
        /// The address.
        url: String,
        /// The status.
        status: u16,
        /// The beginning of the reply, or why it cannot be read.
        text: String,
    },
    /// The document is invalid.
    #[error("the document `{name}` is invalid\n{}", fault_lines(.faults))]
    Document {
        /// The name of the file.
        name: String,
        /// The faults.
        faults: range::Faults,
    },
    /// A file cannot be read.
    #[error("cannot read `{path}`")]
    Read {
        /// The path.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The command cannot be carried out with these arguments.
    #[error("{0}")]
    Usage(String),
    /// The terminal or a pipe failed.
    #[error("cannot write the output")]
    Output(#[from] io::Error),
}

impl Failure {
    /// Can the same request succeed later? The service may be restarting, or a gateway has no service behind it at the moment.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Unexpected { status, .. } => matches!(status, 502..=504),
            Self::Rejected(problem) => problem.status == 503,
            Self::Url(_) | Self::Document { .. } | Self::Read { .. } | Self::Usage(_) | Self::Output(_) => {
                false
            }
        }
    }

    /// Is the failure a problem with this code?
    pub(super) fn is(&self, code: api::ProblemCode) -> bool {
        matches!(self, Self::Rejected(problem) if problem.code == code)
    }
}

/// The problem, with all faults and the hint.
fn problem_text(problem: &Problem) -> String {
    let mut text = problem.detail.clone();
    for fault in &problem.errors {
        let place = if fault.field.is_empty() { String::new() } else { format!("{}: ", fault.field) };
        let _ = write!(text, "\n  - {place}{}", fault.message);
        if let Some(hint) = &fault.hint {
            let _ = write!(text, "\n    hint: {hint}");
        }
    }
    if let Some(hint) = &problem.hint {
        let _ = write!(text, "\nhint: {hint}");
    }
    text
}

fn fault_lines(faults: &range::Faults) -> String {
    let mut lines = Vec::new();
    for fault in faults.list() {
        let place = if fault.path.is_empty() { String::new() } else { format!("{}: ", fault.path) };
        lines.push(format!("  - {place}{}", fault.message));
        lines.extend(fault.hint.iter().map(|hint| format!("    hint: {hint}")));
    }
    if faults.more() > 0 {
        lines.push(format!("  and {} more", faults.more()));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use api::{Fault, FaultCode, ProblemCode};

    use super::*;

    #[test]
    fn a_rejection_lists_every_fault_with_its_hint() {
        let fault = |field: &str, hint: Option<&str>| Fault {
            field: field.to_owned(),
            code: FaultCode::InvalidValue,
            message: "no".to_owned(),
            hint: hint.map(str::to_owned),
        };
        let problem = Problem {
            r#type: String::new(),
            title: String::new(),
            status: 422,
            code: ProblemCode::InvalidDocument,
            detail: "2 faults".to_owned(),
            hint: Some("read the reference".to_owned()),
            errors: vec![fault("machines.web", Some("did you mean `x`?")), fault("", None)],
            job: None,
            names: Vec::new(),
            request_id: None,
        };
        let text = Failure::Rejected(Box::new(problem)).to_string();
        let wanted =
            "2 faults\n  - machines.web: no\n    hint: did you mean `x`?\n  - no\nhint: read the reference";
        assert_eq!(text, wanted);
    }
}
