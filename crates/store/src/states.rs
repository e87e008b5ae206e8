//! States of jobs in statements.

/// True for jobs with an active run.
macro_rules! active {
    () => {
        "state IN ('running', 'canceling')"
    };
}
pub(crate) use active;

#[cfg(test)]
mod tests {
    use model::JobState;

    #[test]
    fn active_states_are_those_between_the_queue_and_the_end() {
        let active: Vec<_> = JobState::ALL
            .iter()
            .filter(|state| !state.is_terminal() && **state != JobState::Queued)
            .map(|state| format!("'{state}'"))
            .collect();
        assert_eq!(active!(), format!("state IN ({})", active.join(", ")));
    }
}
