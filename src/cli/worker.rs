//! `rangehand worker`: runs jobs of a shared store until it is told to stop; the HTTP API is other nodes' part.

use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
};

use crate::{
    app::Worker,
    own_memory,
    settings::{Inputs, Settings},
    telemetry,
};

/// Works; says on standard output, in one line, as which node, once it is ready.
pub(super) fn run(inputs: &Inputs) -> Result<ExitCode, Box<dyn Error>> {
    let loaded = Settings::load(inputs)?;
    telemetry::init(&(&loaded.settings.log).into())?;
    loaded.warn_of_old_names();
    let settings = loaded.settings;
    own_memory::close();
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
