//! Requests to stop that a process receives as signals.

use std::io;

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

/// Requests to stop that arrived; made before a run is prepared, so that none is lost.
#[derive(Debug)]
pub struct Stop(Signals);

impl Stop {
    /// Begins to take SIGTERM and SIGINT as requests to stop.
    ///
    /// # Errors
    /// When the handlers cannot be installed.
    pub fn requests() -> io::Result<Self> {
        Signals::new([SIGTERM, SIGINT]).map(Self)
    }

    /// Calls `report` for each request until it returns false. Blocking: meant for a separate thread.
    pub fn each(mut self, mut report: impl FnMut() -> bool) {
        self.0.forever().take_while(|_| report()).for_each(drop);
    }
}
