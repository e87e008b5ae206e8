//! Determines why a run failed, from its events and output.
//!
//! A failure with a host and a task explains itself. Before the first task Ansible only prints; the table below
//! knows its phrases (ansible-core 2.15 to 2.21) and adds what helps.

use std::sync::LazyLock;

use model::{Code, Ending, Phase, Reason, Tags};
use regex::RegexSet;

use crate::{
    events::{extract::Findings, work::Work},
    run::spec::PlaybookOptions,
};

/// Ansible's exit code for content that it cannot read.
const PARSER_ERROR: i32 = 4;

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
        hint: "`rangehand doctor` reports whether this node can create sandboxes",
    },
    Phrase {
        pattern: r"(?i)no vault secrets (were )?found|Decryption failed|Vault password .* not",
        code: Code::VaultLocked,
        hint: "set the vault password (`vault.password_file`) that the file was encrypted with",
    },
    Phrase {
        pattern: r"EOFError .*on prompt for|Error in vault password prompt",
        code: Code::VaultLocked,
        hint: "a run cannot prompt for the vault password: set `vault.password_file`, and remove `ask_vault_pass` from `ansible.cfg`",
    },
    Phrase {
        pattern: r"EOF when reading a line",
        code: Code::InputRequired,
        hint: "a run has no terminal: pass the value as a variable, or remove the prompt",
    },
    Phrase {
        pattern: r"the role '.*' was not found",
        code: Code::RoleNotFound,
        hint: "put the role under `roles/` next to the playbook or in the playbooks root, or set `ansible.roles_path`",
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

/// Which tasks a request selects.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    /// `start_at_task`
    pub(crate) start_at_task: Option<String>,
    /// Does it select some of the tasks only?
    pub(crate) is_partial: bool,
}

impl Selection {
    /// The selection of these options.
    #[must_use]
    pub(crate) fn of(options: &PlaybookOptions) -> Self {
        let selects = |tags: &Tags| tags.as_str() != "all";
        let start_at_task = options.start_at_task.as_ref().map(ToString::to_string);
        let is_partial = start_at_task.is_some()
            || options.tags.as_ref().is_some_and(selects)
            || options.skip_tags.is_some();
        Self { start_at_task, is_partial }
    }
}

/// What is known when ansible-runner has ended by itself.
#[derive(Debug)]
pub(crate) struct Evidence<'a> {
    /// Its exit code, which is that of ansible-playbook; `None` when a signal ended it.
    pub(crate) rc: Option<i32>,
    /// What the events amount to.
    pub(crate) findings: &'a Findings,
    /// The tasks that the request selects.
    pub(crate) selection: &'a Selection,
    /// The last lines it printed, plain.
    pub(crate) last_lines: &'a [String],
}

/// How the run ended, and why.
///
/// An exit code of 0 is a success only when something was done: a task ran on a host or was skipped there by its condition.
/// Facts that a play gathers by itself are enough for a request that selects no tasks.
#[must_use]
pub(crate) fn diagnose(evidence: &Evidence<'_>) -> (Ending, Reason) {
    let output = evidence.last_lines.join("\n");
    let findings = evidence.findings;
    let nothing = match findings.work {
        Work::Done => None,
        Work::Prepared if !evidence.selection.is_partial => None,
        Work::Prepared | Work::Nothing => Some(nothing_to_do(evidence)),
        Work::NoHosts => Some(no_hosts(&output)),
    };
    let (code, message) = if evidence.rc == Some(0) {
        let Some(nothing) = nothing else {
            return (Ending::Succeeded, Reason::new(Some(Phase::Run), Code::Succeeded, success(findings)));
        };
        nothing
    } else if let Some(explained) = from_debugger(evidence.rc, &output).or_else(|| from_failures(findings)) {
        explained
    } else if let Some(nothing) = nothing.filter(|_| findings.work == Work::NoHosts) {
        nothing
    } else if let Some(phrase) = phrase(&output) {
        (phrase.code, format!("{}\nhint: {}", first_error(&output), phrase.hint))
    } else if evidence.rc == Some(PARSER_ERROR) {
        (Code::PlaybookInvalid, unexplained(evidence.rc, &output))
    } else {
        (Code::RunnerFailed, unexplained(evidence.rc, &output))
    };
    let mut reason = Reason::new(Some(Phase::Run), code, message);
    reason.last_lines = evidence.last_lines.to_vec();
    (Ending::Failed, reason)
}

fn phrase(text: &str) -> Option<&'static Phrase> {
    PATTERNS.matches(text).iter().next().and_then(|at| PHRASES.get(at))
}

fn success(findings: &Findings) -> String {
    let mut message = match findings.report.failures.len() {
        0 if findings.work == Work::Prepared => {
            "every task succeeded; only facts were gathered or files included".to_owned()
        }
        0 => "every task succeeded".to_owned(),
        failures => format!("succeeded: {failures} failures were cleared by the playbook"),
    };
    for complaint in &findings.complaints {
        message.push_str("\nAnsible reported: ");
        message.push_str(complaint);
    }
    message
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

fn from_failures(findings: &Findings) -> Option<(Code, String)> {
    let failures = &findings.report.failures;
    let blamed = failures.get(findings.blamed?)?;
    let all_unreachable = failures.iter().all(|failure| failure.unreachable);
    let more = match failures.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let Some(task) = blamed.task.as_ref().filter(|_| !all_unreachable) else {
        return Some((
            Code::HostUnreachable,
            format!("host `{}` is unreachable: {}{more}", blamed.host, blamed.message),
        ));
    };
    // An include fails for what the content lacks, and not for what happens on the host.
    let action = blamed.action.as_deref().unwrap_or_default();
    let is_include = action.rsplit('.').next().is_some_and(|action| action.starts_with("include_"));
    let lack = phrase(&blamed.message).filter(|_| is_include);
    let hint = lack.map_or_else(String::new, |lack| format!("\nhint: {}", lack.hint));
    Some((
        lack.map_or(Code::TaskFailed, |lack| lack.code),
        format!("task `{task}` failed on host `{}`: {}{more}{hint}", blamed.host, blamed.message),
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

fn nothing_to_do(evidence: &Evidence<'_>) -> (Code, String) {
    let selection = evidence.selection;
    let message = match &selection.start_at_task {
        Some(task) => format!(
            "nothing to do: no task is called `{task}` (`start_at_task`)\nhint: `start_at_task` finds tasks of the playbook, \
             of roles and of `import_tasks`, and none that are included while the playbook runs"
        ),
        None if selection.is_partial => "nothing to do: hosts matched, but no task was selected\nhint: check `tags` and \
             `skip_tags` against the tags of the tasks"
            .to_owned(),
        None => "nothing to do: no task ran on any host and none was skipped\nhint: are there tasks, and does no `meta: \
             end_play` come before them?"
            .to_owned(),
    };
    (Code::NothingToDo, message)
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
        Some(rc) if said.is_empty() => format!("ansible-playbook exited with code {rc}"),
        Some(rc) => format!("ansible-playbook exited with code {rc}: {said}"),
        None => "ansible-runner was terminated by a signal that Rangehand did not send".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use model::{Failure, Report};

    use super::*;

    fn findings(work: Work) -> Findings {
        Findings { report: Report::default(), blamed: None, work, complaints: Vec::new() }
    }

    fn result_of(
        rc: i32,
        findings: &Findings,
        selection: &Selection,
        output: &str,
    ) -> (Ending, Code, String) {
        let last_lines: Vec<String> = output.lines().map(str::to_owned).collect();
        let evidence = Evidence { rc: Some(rc), findings, selection, last_lines: &last_lines };
        let (ending, reason) = diagnose(&evidence);
        (ending, reason.code, reason.message)
    }

    fn code_of(rc: i32, output: &str) -> (Ending, Code) {
        let (ending, code, _) = result_of(rc, &findings(Work::Done), &Selection::default(), output);
        (ending, code)
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
    fn an_exit_code_of_zero_is_a_success_only_where_something_was_done() {
        let all = Selection::default();
        let some = Selection { is_partial: true, ..Selection::default() };
        for (work, selection, code) in [
            (Work::Done, &all, Code::Succeeded),
            (Work::Done, &some, Code::Succeeded),
            (Work::Prepared, &all, Code::Succeeded),
            (Work::Prepared, &some, Code::NothingToDo),
            (Work::Nothing, &all, Code::NothingToDo),
            (Work::Nothing, &some, Code::NothingToDo),
            (Work::NoHosts, &all, Code::NoHostsMatched),
            (Work::NoHosts, &some, Code::NoHostsMatched),
        ] {
            let (ending, said, message) = result_of(0, &findings(work), selection, "");
            let expected = if code == Code::Succeeded { Ending::Succeeded } else { Ending::Failed };
            assert_eq!((ending, said), (expected, code), "{work:?} {message}");
        }
    }

    #[test]
    fn errors_that_do_not_change_the_exit_code_are_in_the_message() {
        let complained = Findings { complaints: vec!["no x".to_owned()], ..findings(Work::Done) };
        let (ending, _, message) = result_of(0, &complained, &Selection::default(), "");
        assert_eq!(
            (ending, message.as_str()),
            (Ending::Succeeded, "every task succeeded\nAnsible reported: no x")
        );
    }

    #[test]
    fn an_include_that_lacks_something_has_the_code_of_what_it_lacks() {
        for (action, message, code) in [
            ("include_role", "the role 'x' was not found in /roles", Code::RoleNotFound),
            (
                "ansible.builtin.include_vars",
                "Attempting to decrypt but no vault secrets found.",
                Code::VaultLocked,
            ),
            ("include_tasks", "Could not find or access 'x.yml'", Code::TaskFailed),
            ("command", "the role 'x' was not found in /roles", Code::TaskFailed),
        ] {
            let failure = Failure {
                host: "a".to_owned(),
                play: None,
                task: Some("t".to_owned()),
                action: Some(action.to_owned()),
                unreachable: false,
                item: None,
                message: message.to_owned(),
            };
            let report = Report { failures: vec![failure], ..Report::default() };
            let findings = Findings { report, blamed: Some(0), ..findings(Work::Done) };
            let (_, said, _) = result_of(2, &findings, &Selection::default(), "");
            assert_eq!(said, code, "{action}");
        }
    }
}
