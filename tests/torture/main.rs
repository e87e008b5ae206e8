//! The promises about jobs, under extreme conditions: kills, floods, process trees that ignore signals, full disks, unavailable
//! databases.
//!
//! Each test has a short form for every day and a long one, with `RANGEHAND_TORTURE=long`, that `./torture.sh` runs. What
//! was found is printed in lines that begin with `figure:`; asserted are counts, never times.

#![allow(clippy::print_stdout, reason = "figures are what the long form is for")]

mod away;
mod cancel;
mod clock;
mod disk;
mod fake;
mod flood;
mod isolation;
mod kills;
mod memory;
mod random;
mod truth;
mod victims;

/// Is the long form wanted?
fn is_long() -> bool {
    std::env::var("RANGEHAND_TORTURE").is_ok_and(|form| form == "long")
}

/// The value for the form that is wanted.
fn by_form<T>(short: T, long: T) -> T {
    if is_long() { long } else { short }
}
