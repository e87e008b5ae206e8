//! How a run ends, and why: the whole space of endings as data.

use serde::{Deserialize, Serialize};

use crate::text_enum;

text_enum! {
    /// Where in its life a run was when something happened.
    Phase {
        /// The request was checked.
        Validate = "validate",
        /// The private directory was made.
        Prepare = "prepare",
        /// ansible-runner was started.
        Spawn = "spawn",
        /// Ansible was running.
        Run = "run",
        /// The events were made into a report.
        Extract = "extract",
        /// Processes, secrets and directories were removed.
        Cleanup = "cleanup",
    }
}

text_enum! {
    /// Why a job is in its state; stable, for programs. The message beside it is for people.
    Code {
        /// Waits for a free slot.
        Waiting = "waiting",
        /// Its run ended before Ansible was executed: the job waits again, in its old place.
        RequeuedNeverBegan = "requeued_never_began",
        /// A run is active.
        Running = "running",
        /// Someone asked for the end; processes are being ended.
        Canceling = "canceling",
        /// Every task ended well.
        Succeeded = "succeeded",
        /// Tasks failed on hosts.
        TaskFailed = "task_failed",
        /// Hosts could not be reached.
        HostUnreachable = "host_unreachable",
        /// No play found a host: nothing was done.
        NoHostsMatched = "no_hosts_matched",
        /// Plays found hosts, but no task ran or was skipped on any of them.
        NothingToDo = "nothing_to_do",
        /// A playbook is no valid YAML or no valid playbook.
        PlaybookInvalid = "playbook_invalid",
        /// The playbook vanished between request and run.
        PlaybookNotFound = "playbook_not_found",
        /// A role that the playbook names is nowhere to be found.
        RoleNotFound = "role_not_found",
        /// A module, action or collection that the playbook names is nowhere to be found.
        ModuleNotFound = "module_not_found",
        /// The inventory that the request names does not exist.
        InventoryNotFound = "inventory_not_found",
        /// No host could be read from the inventory.
        InventoryInvalid = "inventory_invalid",
        /// A vault could not be opened with the password at hand.
        VaultLocked = "vault_locked",
        /// Ansible asked for input, and a run has no terminal.
        InputRequired = "input_required",
        /// The private directory could not be made.
        PrepareFailed = "prepare_failed",
        /// ansible-runner could not be started.
        RunnerMissing = "runner_missing",
        /// ansible-runner or ansible-playbook ended in a way of its own.
        RunnerFailed = "runner_failed",
        /// The time limit of the whole run was reached.
        TotalTimeout = "total_timeout",
        /// The run produced no output for too long.
        IdleTimeout = "idle_timeout",
        /// It printed more than it may.
        OutputLimit = "output_limit",
        /// It used more memory than it may.
        MemoryLimit = "memory_limit",
        /// It had more processes than it may.
        ProcessLimit = "process_limit",
        /// The sandbox that was asked for cannot be made on this node.
        SandboxUnavailable = "sandbox_unavailable",
        /// Ended by request.
        Canceled = "canceled",
        /// The supervisor was asked to end by something other than the service.
        Interrupted = "interrupted",
        /// Its runs ended before Ansible was executed, too many times in a row.
        NeverBegan = "never_began",
        /// The supervisor vanished without an outcome.
        SupervisorGone = "supervisor_gone",
        /// The node that ran it did not renew its lease.
        NodeGone = "node_gone",
        /// What a step looked for was not there.
        NotFound = "not_found",
        /// Events or the outcome could not be written.
        SpoolFailed = "spool_failed",
    }
}

text_enum! {
    /// The ways a run can end.
    Ending {
        /// Ansible said so, and it did something.
        Succeeded = "succeeded",
        /// Any other failure.
        Failed = "failed",
        /// A time limit ended it.
        TimedOut = "timed_out",
        /// A request ended it, and no process is left.
        Canceled = "canceled",
        /// Unknown: its supervisor disappeared.
        Lost = "lost",
    }
}

/// Why something is as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Where it happened; `None` while the job waits or runs.
    pub phase: Option<Phase>,
    /// For programs.
    pub code: Code,
    /// For people: what failed, and what helps.
    pub message: String,
    /// The last lines that Ansible printed, oldest first; empty when all went well.
    #[serde(default)]
    pub last_lines: Vec<String>,
}

impl Reason {
    /// A reason without output.
    #[must_use]
    pub fn new(phase: Option<Phase>, code: Code, message: impl Into<String>) -> Self {
        Self { phase, code, message: message.into(), last_lines: Vec::new() }
    }
}

/// What runs Ansible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Executor {
    /// A process that was forked with Ansible imported.
    Warm,
    /// ansible-runner, started for the run.
    Runner,
}
