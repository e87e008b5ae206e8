//! Python, ansible-core and ansible-runner: are they there, and new enough?

use std::{path::Path, process::Stdio, sync::LazyLock, time::Duration};

use content::Toolchain;
use regex::Regex;
use tokio::{process::Command, time::timeout};

use super::check::Check;

/// Starting Ansible takes a second, and several on a busy machine; longer means that it hangs.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// A required program, and the hint if it is missing.
#[derive(Debug)]
struct Requirement {
    name: &'static str,
    program: &'static str,
    /// The oldest version that will do: major and minor.
    oldest: (u32, u32),
    hint: &'static str,
}

const PYTHON: Requirement = Requirement {
    name: "python",
    program: "python3",
    oldest: (3, 11),
    hint: "install Python 3.11 or newer with venv (Debian: apt install python3 python3-venv)",
};

const CORE: Requirement = Requirement {
    name: "ansible-core",
    program: "ansible-playbook",
    oldest: (2, 15),
    hint: "run ./start.sh, which creates .venv from requirements.txt; or install ansible-core 2.15 or newer and name \
           the directory of its programs in `ansible.bin_dir`",
};

const RUNNER: Requirement = Requirement {
    name: "ansible-runner",
    program: "ansible-runner",
    oldest: (2, 4),
    hint: "run ./start.sh, which creates .venv from requirements.txt; or install ansible-runner 2.4 or newer next to \
           ansible-core and name their directory in `ansible.bin_dir`",
};

/// Checks Python, ansible-core and ansible-runner by asking each for its version.
///
/// Takes about a second, and never much more than twenty: keep the answer.
pub async fn check_ansible(toolchain: &Toolchain) -> Vec<Check> {
    let (python, core, runner) =
        tokio::join!(check(&PYTHON, toolchain), check(&CORE, toolchain), check(&RUNNER, toolchain));
    vec![python, core, runner]
}

async fn check(requirement: &Requirement, toolchain: &Toolchain) -> Check {
    let Requirement { name, program, oldest, hint } = requirement;
    let Some(path) = toolchain.program(program) else {
        return Check::fail(name, format!("there is no `{program}` {}", searched(toolchain)), *hint);
    };
    let shown = path.display();
    match version(&path, toolchain).await {
        Ok(found) if found.parts >= *oldest => Check::ok(name, format!("{} ({shown})", found.text)),
        Ok(found) => {
            let needed = format!("{}.{}", oldest.0, oldest.1);
            Check::fail(name, format!("{} is too old, {needed} is needed ({shown})", found.text), *hint)
        }
        Err(problem) => {
            let hint = hint_for(&problem, &shown.to_string());
            Check::fail(name, format!("`{shown} --version` {problem}"), hint)
        }
    }
}

/// If a program exists but fails, installing it does not help.
fn hint_for(problem: &str, shown: &str) -> String {
    if problem.contains("locale") {
        return "set `LC_ALL` of the service to a UTF-8 locale that `locale -a` lists, such as C.UTF-8"
            .to_owned();
    }
    format!("run `{shown} --version` to see the whole error")
}

fn searched(toolchain: &Toolchain) -> String {
    match &toolchain.bin_dir {
        Some(directory) => format!("in `{}` or in PATH", directory.display()),
        None => "in PATH, and no .venv was found".to_owned(),
    }
}

#[derive(Debug, PartialEq)]
struct Version {
    parts: (u32, u32),
    text: String,
}

/// Asks a program for its version.
async fn version(program: &Path, toolchain: &Toolchain) -> Result<Version, String> {
    let answer = Command::new(program)
        .arg("--version")
        .env_clear()
        .envs(toolchain.variables())
        .current_dir("/") // An ansible.cfg in the working directory is not what a run sees.
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = match timeout(ANSWER_LIMIT, answer).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => return Err(format!("cannot be started: {error}")),
        Err(_) => return Err(format!("does not answer within {} seconds", ANSWER_LIMIT.as_secs())),
    };
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        let last = complaint.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no output");
        return Err(format!("failed ({}): {last}", output.status));
    }
    parse(&text).ok_or_else(|| "names no version".to_owned())
}

#[expect(clippy::expect_used, reason = "the pattern is a constant, and a test uses it")]
static VERSION: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(\d+)\.(\d+)[0-9A-Za-z.+-]*").expect("a valid pattern"));

/// The first version number in the first line of an answer.
fn parse(answer: &str) -> Option<Version> {
    let found = VERSION.captures(answer.lines().next()?)?;
    let part = |index: usize| found.get(index)?.as_str().parse().ok();
    Some(Version { parts: (part(1)?, part(2)?), text: found.get(0)?.as_str().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_what_each_program_says() {
        for (answer, parts, text) in [
            ("Python 3.11.2\n", (3, 11), "3.11.2"),
            ("ansible-playbook [core 2.19.1]\n  python version = 3.11.2\n", (2, 19), "2.19.1"),
            ("ansible-playbook [core 2.20.0rc1]\n", (2, 20), "2.20.0rc1"),
            ("2.4.3\n", (2, 4), "2.4.3"),
        ] {
            assert_eq!(parse(answer), Some(Version { parts, text: text.to_owned() }), "{answer}");
        }
        assert_eq!(parse(""), None);
        assert_eq!(parse("none\n1.2"), None);
    }
}
