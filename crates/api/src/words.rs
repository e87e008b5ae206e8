//! Words: texts of which there are a few.

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

words!(Kind, "What is run" {
    /// A playbook file.
    Playbook = "playbook",
    /// A bundle.
    Bundle = "bundle",
    /// A scenario.
    Scenario = "scenario",
    /// An inventory; only in the catalog.
    Inventory = "inventory",
});

words!(State, "Where a job is in its life" {
    /// Accepted and stored; waits for a worker.
    Queued = "queued",
    /// A run is at work.
    Running = "running",
    /// The run is being ended by request.
    Canceling = "canceling",
    /// Every step ended well.
    Succeeded = "succeeded",
    /// A step failed.
    Failed = "failed",
    /// A time limit ended it.
    TimedOut = "timed_out",
    /// Ended by request; no process of it is left.
    Canceled = "canceled",
    /// Its run vanished without an outcome.
    Lost = "lost",
});

words!(ReasonCode, "Why a job is in its state, for programs" {
    /// Waits for a free place.
    Waiting = "waiting",
    /// Its run ended before Ansible was executed: the job waits again, in its old place.
    RequeuedNeverBegan = "requeued_never_began",
    /// A run is at work.
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
    /// Nothing was heard of the run for too long.
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
    /// The node that ran it was not heard of any more.
    NodeGone = "node_gone",
    /// What a step looked for was not there.
    NotFound = "not_found",
    /// Events or the outcome could not be written.
    SpoolFailed = "spool_failed",
});

words!(Phase, "Where in its life a run was" {
    /// The request was checked.
    Validate = "validate",
    /// The private directory was made.
    Prepare = "prepare",
    /// ansible-runner was started.
    Spawn = "spawn",
    /// Ansible was at work.
    Run = "run",
    /// The events were made into a report.
    Extract = "extract",
    /// Processes, secrets and directories were removed.
    Cleanup = "cleanup",
});

words!(RetryOn, "An end of a job after which it can be queued again by itself" {
    /// Its run vanished without an outcome.
    Lost = "lost",
    /// A step failed.
    Failed = "failed",
    /// A time limit ended it.
    TimedOut = "timed_out",
});

words!(LockMode, "Who may have a resource at the same time: one holder alone, or any number of holders that share it" {
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

words!(Isolation, "How far the runs of a job are kept from their machine" {
    /// A session, a home and control sockets of its own, a minimal environment, limits.
    Process = "process",
    /// That, and of the machine only what a run needs to see, read-only.
    Sandbox = "sandbox",
});

words!(Executor, "What runs Ansible" {
    /// A process that was forked with Ansible imported.
    Warm = "warm",
    /// ansible-runner.
    Runner = "runner",
});
