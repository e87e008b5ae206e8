//! Converts enums of the model to those of the API. A variant that the API lacks is a compile error.

/// Declares functions that convert an enum of the model to the API enum with the same variants.
macro_rules! same {
    ($($function:ident: $from:ty => $to:ty { $($variant:ident),+ $(,)? })+) => {
        $(pub(super) const fn $function(word: $from) -> $to {
            match word { $(<$from>::$variant => <$to>::$variant),+ }
        })+
    };
}

same! {
    kind: model::ContentKind => api::Kind { Playbook, Bundle, Scenario, Inventory }

    state: model::JobState => api::State {
        Queued, Running, Canceling, Succeeded, Failed, TimedOut, Canceled, Lost,
    }

    phase: model::Phase => api::Phase { Validate, Prepare, Spawn, Run, Extract, Cleanup }

    reason_code: model::Code => api::ReasonCode {
        Waiting, RequeuedNeverBegan, Running, Canceling, Succeeded, TaskFailed, HostUnreachable, NoHostsMatched, NothingToDo, PlaybookInvalid, PlaybookNotFound, RoleNotFound, ModuleNotFound, InventoryNotFound, InventoryInvalid, VaultLocked, InputRequired, PrepareFailed, RunnerMissing, RunnerFailed, TotalTimeout, IdleTimeout, OutputLimit, MemoryLimit, ProcessLimit, SandboxUnavailable, Canceled, Interrupted, NeverBegan, SupervisorGone, NodeGone, NotFound, SpoolFailed, PlanFailed, PlanLeft,
    }

    executor: model::Executor => api::Executor { Warm, Runner }

    isolation: model::Isolation => api::Isolation { Process, Sandbox }

    lock_mode: model::LockMode => api::LockMode { Exclusive, Shared }

    range_goal: model::RangeGoal => api::RangeGoal { Apply, Resume, Rollback }

    retry_on: model::RetryOn => api::RetryOn { Lost, Failed, TimedOut }

    basis: engine::Basis => api::Basis { LastSuccess, ListTasks, Plan }

    activation_cause: engine::Cause => api::ActivationCause { Start, Timer, Nudge }

    step_kind: range::plan::StepKind => api::StepKind {
        NetworkEnsure, NetworkRemove, MachineEnsure, MachineStart, MachineStop, MachineWait, MachineRemove, RulesEnsure, RulesRemove, Playbook, TaskForget, Verify, SnapshotTake, SnapshotRevert, SnapshotRemove,
    }

    drift_kind: engine::DriftKind => api::DriftKind {
        NetworkMissing, NetworkSubnet, NetworkUnknown, MachineMissing, MachineDamaged, MachineStopped, MachineRunning, MachineKind, MachineUnknown, NicDetached, NicMoved, NicUnknown, Address, RulesMissing, RulesChanged, SnapshotMissing, Leftover,
    }

    step_action: range::plan::Action => api::StepAction { Create, Update, Replace, Delete }

    undo_kind: range::plan::UndoKind => api::UndoKind { Remove, Restore, Start, Stop, Nothing }

    estimate_source: range::plan::EstimateSource => api::EstimateSource { History, Platform, Constant }

    step_state: model::StepState => api::StepState { Pending, Started, Done, Failed, Unknown, Undoing, Undone, Left }

    plan_phase: model::JournalPhase => api::PlanPhase { Forward, Back, Ended }

    range_state: model::RangeState => api::RangeState { Changing, Ready, Incomplete, Left, Empty }

    prompt_kind: content::catalog::PromptKind => api::PromptKind { Variable, Pause }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_same_texts_in_the_same_order() {
        fn check<M: Copy, A: Copy + PartialEq + std::fmt::Debug>(
            model: &[M],
            api: &[A],
            same: impl Fn(M) -> A,
            texts: impl Fn(M, A) -> (&'static str, &'static str),
        ) {
            assert_eq!(model.iter().map(|word| same(*word)).collect::<Vec<_>>(), api);
            for (model, api) in model.iter().zip(api) {
                let (model, api) = texts(*model, *api);
                assert_eq!(model, api);
            }
        }
        use model::{
            Code, ContentKind, Isolation, JobState, JournalPhase, Phase, RangeState, RetryOn, StepState,
        };
        use range::plan::{Action, EstimateSource, StepKind, UndoKind};
        check(ContentKind::ALL, api::Kind::ALL, kind, |a, b| (a.as_str(), b.as_str()));
        check(JobState::ALL, api::State::ALL, state, |a, b| (a.as_str(), b.as_str()));
        check(Phase::ALL, api::Phase::ALL, phase, |a, b| (a.as_str(), b.as_str()));
        check(Code::ALL, api::ReasonCode::ALL, reason_code, |a, b| (a.as_str(), b.as_str()));
        check(Isolation::ALL, api::Isolation::ALL, isolation, |a, b| (a.as_str(), b.as_str()));
        check(RetryOn::ALL, api::RetryOn::ALL, retry_on, |a, b| (a.as_str(), b.as_str()));
        check(StepKind::ALL, api::StepKind::ALL, step_kind, |a, b| (a.as_str(), b.as_str()));
        check(Action::ALL, api::StepAction::ALL, step_action, |a, b| (a.as_str(), b.as_str()));
        check(UndoKind::ALL, api::UndoKind::ALL, undo_kind, |a, b| (a.as_str(), b.as_str()));
        check(EstimateSource::ALL, api::EstimateSource::ALL, estimate_source, |a, b| {
            (a.as_str(), b.as_str())
        });
        check(StepState::ALL, api::StepState::ALL, step_state, |a, b| (a.as_str(), b.as_str()));
        check(JournalPhase::ALL, api::PlanPhase::ALL, plan_phase, |a, b| (a.as_str(), b.as_str()));
        check(RangeState::ALL, api::RangeState::ALL, range_state, |a, b| (a.as_str(), b.as_str()));
    }
}
