//! States of jobs in statements.

/// True for jobs with an active run.
macro_rules! at_work {
    () => {
        "state IN ('running', 'canceling')"
    };
}
pub(crate) use at_work;

#[cfg(test)]
mod tests {
    use model::JobState;

    #[test]
    fn the_states_at_work_are_those_between_the_queue_and_the_end() {
        let at_work: Vec<_> = JobState::ALL
            .iter()
            .filter(|state| !state.is_terminal() && **state != JobState::Queued)
            .map(|state| format!("'{state}'"))
            .collect();
        assert_eq!(at_work!(), format!("state IN ({})", at_work.join(", ")));
    }
}
