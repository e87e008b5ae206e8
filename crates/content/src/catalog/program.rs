//! The output of an Ansible program about content, or why there is none.

use std::{
    ffi::{OsStr, OsString},
    io,
    path::{Path, PathBuf},
};

use crate::{
    inspector::{Ending, Inspector, Invocation, Turn},
    toolchain::Toolchain,
};

/// The tools for an inspection.
#[derive(Debug)]
pub struct Tools<'a> {
    /// Which Ansible, and its environment.
    pub toolchain: &'a Toolchain,
    /// How it is confined.
    pub inspector: &'a Inspector,
    /// This one inspection.
    pub turn: &'a mut Turn,
}

/// What a program left.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) success: bool,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Why a program left nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("`{0}` was not found\nhint: run `rangehand doctor`")]
    Missing(String),
    #[error("`{program}` could not be started: {source}")]
    Start { program: String, source: io::Error },
    #[error("`{program}` was terminated: {why}")]
    Ended { program: String, why: String },
    #[error("the file is larger than {} MiB, so it is not inspected", MAX_FILE >> 20)]
    TooLarge,
}

/// The largest playbook or inventory that is passed to Ansible for an inspection, in bytes. The limits of inspections apply to
/// other files that Ansible reads.
pub(super) const MAX_FILE: u64 = 16 << 20;

/// What is executed.
pub(super) struct Call<'a> {
    pub(super) program: &'a str,
    pub(super) arguments: &'a [&'a OsStr],
    /// Variables besides those of the toolchain.
    pub(super) variables: &'a [(&'a str, OsString)],
    pub(super) directory: &'a Path,
    /// The content that it may read.
    pub(super) seen: Vec<PathBuf>,
}

/// Executes a program of the toolchain, confined. Also returns how it ended, if anything was executed.
pub(super) async fn run(tools: Tools<'_>, call: Call<'_>) -> (Result<Output, Failure>, Option<Ending>) {
    let program = call.program.to_owned();
    let Some(path) = tools.toolchain.program(call.program) else {
        return (Err(Failure::Missing(program)), None);
    };
    let what = Invocation {
        toolchain: tools.toolchain,
        program: &path,
        arguments: call.arguments,
        variables: call.variables,
        directory: call.directory,
        seen: call.seen,
    };
    match tools.inspector.run(tools.turn, what).await {
        Err(source) => {
            let ending = Ending::Failed(source.to_string());
            (Err(Failure::Start { program, source }), Some(ending))
        }
        Ok(answer) => {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let output = match &answer.ending {
                Ending::Exit(code) => Ok(Output {
                    success: *code == Some(0),
                    stdout: text(&answer.stdout),
                    stderr: text(&answer.stderr),
                }),
                Ending::Failed(why) => Err(Failure::Start { program, source: io::Error::other(why.clone()) }),
                ending => Err(Failure::Ended { program, why: tools.inspector.why(ending) }),
            };
            (output, Some(answer.ending))
        }
    }
}
