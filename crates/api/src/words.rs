//! Enums with fixed texts.

/// Declares an enum whose variants have one fixed text each.
macro_rules! words {
    ($name:ident, $about:literal { $($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        #[doc = $about]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The text in JSON.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "description": $about, "enum": [$($text),+] })
            }
        }
    };
}
pub(crate) use words;

words!(Kind, "Type of content" {
    /// A playbook file.
    Playbook = "playbook",
    /// A bundle.
    Bundle = "bundle",
    /// A scenario.
    Scenario = "scenario",
    /// An inventory; only in the catalog.
    Inventory = "inventory",
});

words!(State, "State of a job" {
    /// Accepted and stored; waits for a free slot.
    Queued = "queued",
    /// A run is active.
    Running = "running",
    /// The run is being terminated by request.
    Canceling = "canceling",
    /// Every step succeeded.
    Succeeded = "succeeded",
    /// A step failed.
    Failed = "failed",
    /// Terminated at a time limit.
    TimedOut = "timed_out",
    /// Terminated by request; no process is left.
    Canceled = "canceled",
    /// The supervisor disappeared without an outcome.
    Lost = "lost",
});

words!(ReasonCode, "Why a job is in its state, for programs" {
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
    /// No play matched a host: nothing was done.
    NoHostsMatched = "no_hosts_matched",
    /// Plays matched hosts, but no task ran or was skipped on any of them.
    NothingToDo = "nothing_to_do",
    /// Invalid YAML, or an invalid playbook.
    PlaybookInvalid = "playbook_invalid",
    /// The playbook was deleted between request and run.
    PlaybookNotFound = "playbook_not_found",
    /// A role was not found.
    RoleNotFound = "role_not_found",
    /// A module, action, or collection was not found.
    ModuleNotFound = "module_not_found",
    /// The inventory does not exist.
    InventoryNotFound = "inventory_not_found",
    /// No host could be read from the inventory.
    InventoryInvalid = "inventory_invalid",
    /// A vault cannot be decrypted with the vault password.
    VaultLocked = "vault_locked",
    /// Ansible prompted for input, and a run has no terminal.
    InputRequired = "input_required",
    /// The working directory could not be created.
    PrepareFailed = "prepare_failed",
    /// ansible-runner could not be started.
    RunnerMissing = "runner_missing",
    /// Ansible exited with an error that Rangehand doesn't recognize.
    RunnerFailed = "runner_failed",
    /// The run took longer than its time limit.
    TotalTimeout = "total_timeout",
    /// No output for too long.
    IdleTimeout = "idle_timeout",
    /// It printed more than the limit.
    OutputLimit = "output_limit",
    /// It used more memory than the limit.
    MemoryLimit = "memory_limit",
    /// It had more processes than the limit.
    ProcessLimit = "process_limit",
    /// This node cannot create the requested sandbox.
    SandboxUnavailable = "sandbox_unavailable",
    /// Canceled by request.
    Canceled = "canceled",
    /// The supervisor received SIGTERM from a process other than the service.
    Interrupted = "interrupted",
    /// Its runs ended before Ansible was executed, too many times in a row.
    NeverBegan = "never_began",
    /// The supervisor disappeared without an outcome.
    SupervisorGone = "supervisor_gone",
    /// The node that ran the job did not renew its lease.
    NodeGone = "node_gone",
    /// A step did not find its value.
    NotFound = "not_found",
    /// Events or the outcome could not be written.
    SpoolFailed = "spool_failed",
    /// A step of the plan of a range failed, and what the plan created was undone or is kept.
    PlanFailed = "plan_failed",
    /// The plan of a range was undone, but something could not be removed.
    PlanLeft = "plan_left",
});

words!(RangeGoal, "What a job does with the plan of a range" {
    /// Carries it out.
    Apply = "apply",
    /// Carries out the steps that are missing after it ended early.
    Resume = "resume",
    /// Undoes what it created.
    Rollback = "rollback",
});

words!(Phase, "Stage of a run" {
    /// Request validation.
    Validate = "validate",
    /// Creation of the working directory.
    Prepare = "prepare",
    /// Start of ansible-runner.
    Spawn = "spawn",
    /// Execution of Ansible.
    Run = "run",
    /// Creation of the report from the events.
    Extract = "extract",
    /// Removal of processes, secrets, and directories.
    Cleanup = "cleanup",
});

words!(RetryOn, "An outcome after which a job can be queued again automatically" {
    /// The supervisor disappeared without an outcome.
    Lost = "lost",
    /// A step failed.
    Failed = "failed",
    /// Terminated at a time limit.
    TimedOut = "timed_out",
});

words!(LockMode, "Lock mode of a resource: one holder alone, or any number of holders that share it" {
    /// One holder alone.
    Exclusive = "exclusive",
    /// Any number of holders that share it.
    Shared = "shared",
});

words!(ActorKind, "A caller of the API, a schedule, or Rangehand itself" {
    /// A caller of the API.
    Caller = "caller",
    /// A schedule.
    Schedule = "schedule",
    /// Rangehand itself.
    Service = "service",
});

words!(Isolation, "Isolation level of the runs of a job" {
    /// A separate session, home, and control sockets, a minimal environment, and limits.
    Process = "process",
    /// In addition, only the required parts of the machine are visible, read-only.
    Sandbox = "sandbox",
});

words!(Executor, "Executor that runs Ansible" {
    /// A process forked from a fork server that has Ansible imported.
    Warm = "warm",
    /// ansible-runner.
    Runner = "runner",
});
