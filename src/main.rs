//! The program `rangehand`; see `rangehand help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    rangehand::cli::main()
}
