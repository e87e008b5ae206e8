//! What goes wrong on a platform on purpose, and when.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::owner::ThingKind;

/// A call that can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// Any of them.
    Any,
    /// [`crate::Platform::describe`].
    Describe,
    /// [`crate::Platform::observe`].
    Observe,
    /// [`crate::Platform::ensure`] of a network.
    EnsureNetwork,
    /// [`crate::Platform::ensure`] of a machine.
    EnsureMachine,
    /// [`crate::Platform::ensure`] of rules.
    EnsureRules,
    /// [`crate::Platform::power`].
    Power,
    /// [`crate::Platform::access`].
    Access,
    /// [`crate::Platform::snapshot`].
    Snapshot,
    /// [`crate::Platform::remove`].
    Remove,
    /// [`crate::Platform::wait`].
    Wait,
}

impl Call {
    /// The call that makes a thing of this kind be there.
    pub(crate) const fn ensure(kind: ThingKind) -> Self {
        match kind {
            ThingKind::Network => Self::EnsureNetwork,
            ThingKind::Machine => Self::EnsureMachine,
            ThingKind::Rules => Self::EnsureRules,
        }
    }
}

/// A call that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The call.
    pub call: Call,
    /// The name of the thing in its range; without it, any thing.
    #[serde(default)]
    pub thing: Option<String>,
    /// How many such calls go well before.
    #[serde(default)]
    pub skip: u32,
    /// How many calls go wrong; without it, all that follow.
    #[serde(default)]
    pub times: Option<u32>,
    /// What happens.
    pub effect: Effect,
}

/// How a call goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The platform refuses, with this text.
    Refuse(String),
    /// The call fails without an effect, and may be repeated.
    Fail,
    /// There is no answer, and the call had no effect.
    TimeoutBefore,
    /// The call is carried out, and there is no answer.
    TimeoutAfter,
    /// The platform requests a pause of this many milliseconds.
    Throttle(u64),
    /// The call takes so many times as long.
    Slow(u32),
    /// The machine never becomes ready.
    NeverReady,
}

/// Faults with their counters.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<(Fault, u32)>>);

impl Faults {
    pub(crate) fn new(faults: Vec<Fault>) -> Self {
        Self(Mutex::new(faults.into_iter().map(|fault| (fault, 0)).collect()))
    }

    /// Replaces all faults, their counters included.
    pub(crate) fn replace(&self, faults: Vec<Fault>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            faults.into_iter().map(|fault| (fault, 0)).collect();
    }

    /// What happens to this call. Each fault that the call matches counts it; the first one that is due decides.
    pub(crate) fn next(&self, call: Call, thing: &str) -> Option<Effect> {
        let mut found = None;
        for (fault, count) in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            let matches = (fault.call == call || fault.call == Call::Any)
                && fault.thing.as_deref().is_none_or(|name| name == thing);
            if !matches {
                continue;
            }
            let before = *count;
            *count = count.saturating_add(1);
            let is_due = before >= fault.skip && fault.times.is_none_or(|times| before - fault.skip < times);
            if is_due && found.is_none() {
                found = Some(fault.effect.clone());
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_the_calls_that_it_names_and_no_others() {
        let fault = Fault {
            call: Call::Power,
            thing: Some("web".to_owned()),
            skip: 1,
            times: Some(2),
            effect: Effect::Fail,
        };
        let faults = Faults::new(vec![fault]);
        assert_eq!(faults.next(Call::Power, "db"), None);
        assert_eq!(faults.next(Call::Remove, "web"), None);
        let found: Vec<_> = (0..5).map(|_| faults.next(Call::Power, "web").is_some()).collect();
        assert_eq!(found, [false, true, true, false, false]);
    }
}
