//! How far a run is kept from everything else on its machine.

use crate::text_enum;

text_enum! {
    /// Levels of isolation, from less to more. `docs/isolation.md` says what each stops.
    Isolation {
        /// A session, a home and control sockets of its own, a minimal environment, limits.
        Process = "process",
        /// That, and of the machine only what a run needs to see, read-only.
        Sandbox = "sandbox",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ordered_from_less_to_more() {
        assert!(Isolation::Process < Isolation::Sandbox);
        assert!(Isolation::ALL.is_sorted());
    }
}
