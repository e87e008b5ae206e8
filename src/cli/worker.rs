//! `rangehand worker`: runs jobs of a shared database until it receives SIGTERM or SIGINT, without the HTTP API.

use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
};

use crate::{
    app::Worker,
    hardening,
    settings::{Inputs, Settings},
    telemetry,
};

/// Runs jobs; prints one line with its node name to standard output once it is ready.
pub(super) fn run(inputs: &Inputs) -> Result<ExitCode, Box<dyn Error>> {
    let loaded = Settings::load(inputs)?;
    telemetry::init(&(&loaded.settings.log).into())?;
    loaded.warn_of_old_names();
    let settings = loaded.settings;
    hardening::disable_core_dumps_and_ptrace();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let worker = Worker::build(&settings, &inputs.environment).await?;
        announce(&worker)?;
        worker.run_until_stopped().await?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Programs that start the worker wait for this line.
fn announce(worker: &Worker) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "working as node {}", worker.name())?;
    output.flush()
}
