//! Why a run failed, from what Ansible left behind.
//!
//! A failure with a host and a task explains itself. Before the first task Ansible only prints; the table below
//! knows its phrases (ansible-core 2.15 to 2.21) and adds what helps.

use std::sync::LazyLock;

use model::{Code, Ending, Phase, Reason, Report};
use regex::RegexSet;

/// A phrase of Ansible's, what it means, and what helps.
struct Phrase {
    pattern: &'static str,
    code: Code,
    hint: &'static str,
}

/// First match wins.
const PHRASES: &[Phrase] = &[
    Phrase {
        pattern: r"(?m)^bwrap: ",
        code: Code::SandboxUnavailable,
        hint: "`rangehand doctor` tells whether a sandbox can be made here",
    },
    Phrase {
        pattern: r"(?i)no vault secrets (were )?found|Decryption failed|Vault password .* not",
        code: Code::VaultLocked,
        hint: "set the vault password (`vault.password_file`) that the file was encrypted with",
    },
    Phrase {
        pattern: r"EOFError .*on prompt for|Error in vault password prompt",
        code: Code::VaultLocked,
        hint: "a run cannot ask for the vault password: set `vault.password_file`, and remove `ask_vault_pass` from `ansible.cfg`",
    },
    Phrase {
        pattern: r"EOF when reading a line",
        code: Code::InputRequired,
        hint: "a run has no terminal: give the value as a variable, or remove the prompt",
    },
    Phrase {
        pattern: r"the role '.*' was not found",
        code: Code::RoleNotFound,
        hint: "put the role under `roles/` beside the playbook or in the playbooks root, or set `ansible.roles_path`",
    },
    Phrase {
        pattern: r"couldn't resolve module/action|could not resolve module/action|was not found in configured module",
        code: Code::ModuleNotFound,
        hint: "check the name, or install the collection and set `ansible.collections_path`",
    },
    Phrase {
        pattern: r"leaves us with no hosts to target",
        code: Code::NoHostsMatched,
        hint: "check `limit` against the hosts and groups of the inventory",
    },
    Phrase {
        pattern: r"the playbook: .* could not be found",
        code: Code::PlaybookNotFound,
        hint: "the playbook imports one that does not exist",
    },
    Phrase {
        pattern: r"(?i)YAML parsing failed|Syntax Error while loading YAML|playbook must be a list|conflicting action statements|is not a valid attribute|no module/action detected|not a valid (option|keyword)|did not contain a list|playbook entries must be|unable to load playbook",
        code: Code::PlaybookInvalid,
        hint: "`ansible-playbook --syntax-check` shows the same error",
    },
];

#[expect(clippy::expect_used, reason = "the patterns are constants, and a test compiles them")]
static PATTERNS: LazyLock<RegexSet> =
    LazyLock::new(|| RegexSet::new(PHRASES.iter().map(|phrase| phrase.pattern)).expect("valid patterns"));

/// What is known when ansible-runner has ended by itself.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// Its exit code, which is that of ansible-playbook; `None` when a signal ended it.
    pub rc: Option<i32>,
    /// What the events amount to.
    pub report: &'a Report,
    /// Did every play look for hosts in vain?
    pub no_host_was_touched: bool,
    /// The last lines it printed, plain.
    pub last_lines: &'a [String],
}

/// How the run ended, and why.
#[must_use]
pub fn diagnose(evidence: &Evidence<'_>) -> (Ending, Reason) {
    let output = evidence.last_lines.join("\n");
    if evidence.rc == Some(0) && !evidence.no_host_was_touched {
        return (Ending::Succeeded, Reason::new(Some(Phase::Run), Code::Succeeded, "every task ended well"));
    }
    let (code, message) = if let Some(explained) = from_debugger(evidence.rc, &output) {
        explained
    } else if let Some(explained) = from_failures(evidence.report) {
        explained
    } else if evidence.no_host_was_touched {
        no_hosts(&output)
    } else if let Some(phrase) = PATTERNS.matches(&output).iter().next().and_then(|at| PHRASES.get(at)) {
        (phrase.code, format!("{}\nhint: {}", first_error(&output), phrase.hint))
    } else {
        (Code::RunnerFailed, unexplained(evidence.rc, &output))
    };
    let mut reason = Reason::new(Some(Phase::Run), code, message);
    reason.last_lines = evidence.last_lines.to_vec();
    (Ending::Failed, reason)
}

/// What Ansible exits with when its debugger ends it, as when a user interrupts it.
const INTERRUPTED: i32 = 99;
/// What the debugger prints when it wants a command, after the host and the task.
const DEBUGGER_PROMPT: &str = " (debug)>";

/// The task debugger reads its first command from an empty input, and so ends the play.
fn from_debugger(rc: Option<i32>, output: &str) -> Option<(Code, String)> {
    let line = output.lines().rev().find(|line| line.contains(DEBUGGER_PROMPT))?;
    if rc != Some(INTERRUPTED) {
        return None;
    }
    let (before, _) = line.split_once(DEBUGGER_PROMPT)?;
    let task = before.split_once("TASK: ").map_or(before, |(_, task)| task);
    let hint = "hint: remove `debugger` from the task, its block, role, or play, or disable `ANSIBLE_ENABLE_TASK_DEBUGGER` \
                (`enable_task_debugger`)";
    Some((
        Code::InputRequired,
        format!(
            "the task debugger started at task `{task}`, and a run has no terminal to read commands from\n{hint}"
        ),
    ))
}

fn from_failures(report: &Report) -> Option<(Code, String)> {
    let first = report.failures.first()?;
    let all_unreachable = report.failures.iter().all(|failure| failure.unreachable);
    let more = match report.failures.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let Some(task) = first.task.as_ref().filter(|_| !all_unreachable) else {
        return Some((
            Code::HostUnreachable,
            format!("host `{}` is unreachable: {}{more}", first.host, first.message),
        ));
    };
    Some((
        Code::TaskFailed,
        format!("task `{task}` failed on host `{}`: {}{more}", first.host, first.message),
    ))
}

fn no_hosts(output: &str) -> (Code, String) {
    if output.contains("Unable to parse") || output.contains("No inventory was parsed") {
        return (
            Code::InventoryInvalid,
            "the inventory could not be read, so no play found a host".to_owned(),
        );
    }
    let hint = "hint: check the plays' `hosts` and the request's `limit` against the inventory";
    (Code::NoHostsMatched, format!("no play matched a host: nothing was done\n{hint}"))
}

/// The line that names the error, without Ansible's `[ERROR]: `.
fn first_error(output: &str) -> String {
    let is_error = |line: &&str| line.starts_with("[ERROR]") || line.starts_with("ERROR!");
    let line = output.lines().find(is_error).or_else(|| output.lines().find(|line| PATTERNS.is_match(line)));
    let line = line.unwrap_or_default();
    line.trim_start_matches("[ERROR]:").trim_start_matches("ERROR!").trim().to_owned()
}

fn unexplained(rc: Option<i32>, output: &str) -> String {
    let said = first_error(output);
    match rc {
        Some(rc) if said.is_empty() => format!("ansible-playbook ended with exit code {rc}"),
        Some(rc) => format!("ansible-playbook ended with exit code {rc}: {said}"),
        None => "ansible-runner was ended by a signal that we did not send".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(rc: i32, output: &str) -> (Ending, Code) {
        let last_lines: Vec<String> = output.lines().map(str::to_owned).collect();
        let report = Report::default();
        let evidence =
            Evidence { rc: Some(rc), report: &report, no_host_was_touched: false, last_lines: &last_lines };
        let (ending, reason) = diagnose(&evidence);
        (ending, reason.code)
    }

    #[test]
    fn what_ansible_prints_before_the_first_task_has_a_code() {
        for (output, code) in [
            ("[ERROR]: YAML parsing failed: While parsing a flow node", Code::PlaybookInvalid),
            ("[ERROR]: the role 'nope' was not found in /x/roles", Code::RoleNotFound),
            ("[ERROR]: couldn't resolve module/action 'a.b.c'. This often", Code::ModuleNotFound),
            (
                "[ERROR]: Specified inventory, host pattern and/or --limit leaves us with no hosts to target.",
                Code::NoHostsMatched,
            ),
            (
                "[ERROR]: Decryption failed (no vault secrets were found that could decrypt).",
                Code::VaultLocked,
            ),
            ("[ERROR]: the playbook: gone.yml could not be found", Code::PlaybookNotFound),
            ("[ERROR]: EOFError (ctrl-d) on prompt for (default)", Code::VaultLocked),
            (
                "[ERROR]: Unexpected Exception, this is probably a bug: EOF when reading a line",
                Code::InputRequired,
            ),
            ("something else", Code::RunnerFailed),
        ] {
            assert_eq!(code_of(1, output), (Ending::Failed, code), "{output}");
        }
    }

    #[test]
    fn a_debugger_is_named_with_its_task() {
        let output = "fatal: [h]: FAILED!\n[h] TASK: Break it (debug)> User interrupted execution";
        assert_eq!(code_of(99, output), (Ending::Failed, Code::InputRequired));
        let (_, message) = from_debugger(Some(99), output).expect("a debugger");
        assert!(message.contains("at task `Break it`"), "{message}");
        assert_eq!(code_of(2, output), (Ending::Failed, Code::RunnerFailed));
    }

    #[test]
    fn an_exit_code_of_zero_without_a_host_is_no_success() {
        let report = Report::default();
        let evidence = Evidence { rc: Some(0), report: &report, no_host_was_touched: true, last_lines: &[] };
        let (ending, reason) = diagnose(&evidence);
        assert_eq!((ending, reason.code), (Ending::Failed, Code::NoHostsMatched));
        assert_eq!(code_of(0, "anything"), (Ending::Succeeded, Code::Succeeded));
    }
}
