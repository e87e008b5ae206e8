//! The endings of a run, and their reasons.

use serde::{Deserialize, Serialize};

use crate::text_enum;

text_enum! {
    /// Where in its life a run was when something happened.
    Phase {
        /// The request was checked.
        Validate = "validate",
        /// Creation of the working directory.
        Prepare = "prepare",
        /// ansible-runner was started.
        Spawn = "spawn",
        /// Ansible was running.
        Run = "run",
        /// Creation of the report from the events.
        Extract = "extract",
        /// Processes, secrets and directories were removed.
        Cleanup = "cleanup",
    }
}

text_enum! {
    /// Why a job is in its state; stable, for programs. The message next to it is for people.
    Code {
        /// Waits for a free slot.
        Waiting = "waiting",
        /// Its run ended before Ansible was executed: the job is queued again, in its original place.
        RequeuedNeverBegan = "requeued_never_began",
        /// A run is active.
        Running = "running",
        /// A client requested a cancel; processes are being terminated.
        Canceling = "canceling",
        /// Every task succeeded.
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
        /// Ansible prompted for input, and a run has no terminal.
        InputRequired = "input_required",
        /// The working directory could not be created.
        PrepareFailed = "prepare_failed",
        /// ansible-runner could not be started.
        RunnerMissing = "runner_missing",
        /// Ansible exited with an error that Rangehand doesn't recognize.
        RunnerFailed = "runner_failed",
        /// The time limit of the whole run was reached.
        TotalTimeout = "total_timeout",
        /// The run produced no output for too long.
        IdleTimeout = "idle_timeout",
        /// It printed more than the limit.
        OutputLimit = "output_limit",
        /// It used more memory than the limit.
        MemoryLimit = "memory_limit",
        /// It had more processes than the limit.
        ProcessLimit = "process_limit",
        /// This node cannot create the requested sandbox.
        SandboxUnavailable = "sandbox_unavailable",
        /// Ended by request.
        Canceled = "canceled",
        /// The supervisor received SIGTERM from a process other than the service.
        Interrupted = "interrupted",
        /// Its runs ended before Ansible was executed, too many times in a row.
        NeverBegan = "never_began",
        /// The supervisor vanished without an outcome.
        SupervisorGone = "supervisor_gone",
        /// The node that ran it did not renew its lease.
        NodeGone = "node_gone",
        /// A step did not find its value.
        NotFound = "not_found",
        /// Events or the outcome could not be written.
        SpoolFailed = "spool_failed",
        /// A step of the plan of a range failed, and what the plan created was undone or is kept.
        PlanFailed = "plan_failed",
        /// The plan of a range was undone, but something could not be removed.
        PlanLeft = "plan_left",
    }
}

text_enum! {
    /// The ways a run can end.
    Ending {
        /// Ansible reported success, and at least one task did something.
        Succeeded = "succeeded",
        /// Any other failure.
        Failed = "failed",
        /// Terminated at a time limit.
        TimedOut = "timed_out",
        /// Terminated by request, and no process is left.
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
    /// Message for people: what failed, and a hint.
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

/// The executor that runs Ansible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Executor {
    /// A process that was forked with Ansible imported.
    Warm,
    /// ansible-runner, started for the run.
    Runner,
}
