//! The program `rangehand`; see `rangehand help`.

use std::{alloc::System, process::ExitCode};

use zeroizing_alloc::ZeroAlloc;

/// Memory is overwritten when it is given back: what once held a secret is not to be found in a core of the process, or in
/// what the kernel swaps out, also where a library made copies of it.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    rangehand::cli::main()
}
