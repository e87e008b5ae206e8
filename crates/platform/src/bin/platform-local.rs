//! The commands of the local platform as a program of their own, for its tests and measurements. The product has them, too.

use std::process::ExitCode;

#[allow(clippy::print_stderr, reason = "this is a program")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match platform::local::program::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
