//! `rangehand serve`: the service, until it receives SIGTERM or SIGINT.

use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
};

use crate::{
    app::Application,
    hardening,
    settings::{Inputs, Settings},
    telemetry,
};

/// Serves; prints one line with its URL to standard output once it is ready.
pub(super) fn run(inputs: &Inputs) -> Result<ExitCode, Box<dyn Error>> {
    let loaded = Settings::load(inputs)?;
    telemetry::init(&(&loaded.settings.log).into())?;
    loaded.warn_of_old_names();
    let settings = loaded.settings;
    hardening::disable_core_dumps_and_ptrace();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let application = Application::build(&settings, &inputs.environment).await?;
        announce(&application)?;
        application.run_until_stopped().await?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Programs that start the service wait for this line.
fn announce(application: &Application) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "listening on http://{}", application.address())?;
    output.flush()
}
