//! The digest of a plan: it names the states that the plan was made from, so that an apply can refuse when one of them changed.
//!
//! Estimates and prices are left out: they change by themselves and change no step.

use std::{io, sync::Arc};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{
    actions::{RangeAction, Scope},
    recorded::Recorded,
};
use crate::{
    document::{OnFailure, Span},
    expand::spec::{Desired, MachineSpec, NetworkSpec, RuleSet, TaskSpec},
};

struct Hashing(Sha256);

impl io::Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is desired, without what follows from it: the routes of routers follow from networks and machines, and all routers of an
/// instance have the same rules.
#[derive(Serialize)]
struct States<'a> {
    name: &'a str,
    platform: &'a str,
    on_failure: OnFailure,
    ttl: Option<Span>,
    verify: bool,
    instances: &'a [String],
    networks: &'a [Arc<NetworkSpec>],
    machines: &'a [Arc<MachineSpec>],
    rules: Vec<&'a RuleSet>,
    tasks: &'a [Arc<TaskSpec>],
    recorded: &'a Recorded,
}

/// The SHA-256 of both states as JSON, in hexadecimal.
pub(super) fn of(desired: &Desired, recorded: &Recorded) -> String {
    let mut rules: Vec<&Arc<RuleSet>> = desired.routers.iter().map(|router| &router.rules).collect();
    rules.dedup_by(|a, b| Arc::ptr_eq(a, b));
    let states = States {
        name: &desired.name,
        platform: &desired.platform,
        on_failure: desired.on_failure,
        ttl: desired.ttl,
        verify: desired.verify,
        instances: &desired.instances,
        networks: &desired.networks,
        machines: &desired.machines,
        rules: rules.into_iter().map(|rules| &**rules).collect(),
        tasks: &desired.tasks,
        recorded,
    };
    hashed(&states)
}

/// The same for an action on what is recorded.
pub(super) fn of_action(action: &RangeAction, scope: &Scope, recorded: &Recorded) -> String {
    hashed(&(action, scope, recorded))
}

fn hashed(states: &impl Serialize) -> String {
    let mut writer = io::BufWriter::with_capacity(64 * 1024, Hashing(Sha256::new()));
    let written = serde_json::to_writer(&mut writer, states);
    debug_assert!(written.is_ok(), "states are plain data: {written:?}");
    let hashing = writer.into_inner().map(|hashing| hashing.0).unwrap_or_default();
    hashing.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
