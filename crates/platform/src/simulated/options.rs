//! How the simulated platform behaves.

use std::path::PathBuf;

use range::{PlatformRules, plan::StepKind, platform_rules::Durations};
use serde::{Deserialize, Serialize};

use crate::faults::Fault;

/// How the simulated platform behaves.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// What it accepts.
    pub rules: PlatformRules,
    /// How long it takes.
    pub latencies: Latencies,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// The file that keeps the state; without it the state ends with the process.
    pub file: Option<PathBuf>,
}

/// How long calls and tasks take, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Latencies {
    /// Any call, until it answers.
    pub call_ms: u64,
    /// The task that makes or changes a network.
    pub network_ms: u64,
    /// The task that makes or changes a machine.
    pub machine_ms: u64,
    /// The task that sets rules.
    pub rules_ms: u64,
    /// The task that starts a machine.
    pub start_ms: u64,
    /// From the start of a machine until it is ready.
    pub boot_ms: u64,
    /// The task that stops a machine.
    pub stop_ms: u64,
    /// The task that takes, restores or removes a snapshot.
    pub snapshot_ms: u64,
    /// The task that removes something.
    pub remove_ms: u64,
    /// How long a call waits for its answer before it times out.
    pub timeout_ms: u64,
}

impl Default for Latencies {
    /// Those of a Proxmox node with linked clones on a local disk.
    fn default() -> Self {
        Self {
            call_ms: 20,
            network_ms: 400,
            machine_ms: 3_000,
            rules_ms: 100,
            start_ms: 1_500,
            boot_ms: 12_000,
            stop_ms: 2_000,
            snapshot_ms: 2_000,
            remove_ms: 1_000,
            timeout_ms: 30_000,
        }
    }
}

impl Latencies {
    /// How long steps take with these.
    pub(super) fn durations(&self) -> Durations {
        let tasks = [
            (StepKind::NetworkEnsure, self.network_ms),
            (StepKind::NetworkRemove, self.remove_ms),
            (StepKind::MachineEnsure, self.machine_ms),
            (StepKind::MachineStart, self.start_ms),
            (StepKind::MachineStop, self.stop_ms),
            (StepKind::MachineWait, self.boot_ms),
            (StepKind::MachineRemove, self.remove_ms),
            (StepKind::RulesEnsure, self.rules_ms),
            (StepKind::RulesRemove, self.remove_ms),
            (StepKind::SnapshotTake, self.snapshot_ms),
            (StepKind::SnapshotRevert, self.snapshot_ms),
            (StepKind::SnapshotRemove, self.snapshot_ms),
        ];
        let ms = |kind: StepKind, task: u64| {
            // A machine boots while it is waited for, whichever calls are made.
            let call = if kind == StepKind::MachineWait { 0 } else { self.call_ms };
            // Not even a step without latency takes no time: of two ways, the one with more steps takes longer.
            call.saturating_add(task).max(1)
        };
        tasks.map(|(kind, task)| (kind, [(String::new(), ms(kind, task))].into())).into()
    }

    /// Everything at once.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            call_ms: 0,
            network_ms: 0,
            machine_ms: 0,
            rules_ms: 0,
            start_ms: 0,
            boot_ms: 0,
            stop_ms: 0,
            snapshot_ms: 0,
            remove_ms: 0,
            timeout_ms: 0,
        }
    }
}
