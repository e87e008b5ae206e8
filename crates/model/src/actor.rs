//! Who submitted a job.

use serde::{Deserialize, Serialize};

/// Who submitted a job. In JSON an object with a `kind`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Actor {
    /// A caller of the API.
    Caller {
        /// The name that logs and the audit log have, too; `None` where callers are not authenticated, and for jobs of
        /// versions that did not store it.
        name: Option<String>,
    },
    /// A schedule.
    Schedule {
        /// Its name.
        name: String,
    },
    /// Rangehand itself: a job submits its children.
    Service,
}

impl Default for Actor {
    fn default() -> Self {
        Self::Caller { name: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_reads_back_as_it_was_written() {
        for (actor, text) in [
            (Actor::default(), r#"{"kind":"caller","name":null}"#),
            (Actor::Caller { name: Some("ann".to_owned()) }, r#"{"kind":"caller","name":"ann"}"#),
            (Actor::Schedule { name: "nightly".to_owned() }, r#"{"kind":"schedule","name":"nightly"}"#),
            (Actor::Service, r#"{"kind":"service"}"#),
        ] {
            assert_eq!(serde_json::to_string(&actor).expect("JSON"), text);
            assert_eq!(serde_json::from_str::<Actor>(text).expect("an actor"), actor);
        }
    }
}
