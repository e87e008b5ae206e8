//! The isolation level of a run.

use crate::text_enum;

text_enum! {
    /// Levels of isolation, from less to more. `docs/isolation.md` describes what each protects against.
    Isolation {
        /// A separate session, home, and control sockets, a minimal environment, and limits.
        Process = "process",
        /// In addition, only the required parts of the machine are visible, read-only.
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
