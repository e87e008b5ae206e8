//! Inspects content: its plays and tasks as Ansible lists them, and files, prompts, and tags, which Ansible doesn't list.
//!
//! `ansible-playbook --list-tasks` executes no task, but it evaluates import paths and host patterns, reads variable files
//! (without a vault password for encrypted ones, the listing fails and the plays come from the scan), and executes inventory
//! programs. It reads the tree itself, not a copy: if the tree changes during an inspection, the result can mix both states.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    path::{Path, PathBuf},
};

use model::{ContentKind, ContentName, ContentRef};
use process::log_text;

use super::{
    Catalog, Error, Inspection, InventoryInspection, Play, Tools, graph,
    inventory::{self, Purpose},
    listing,
    program::{self, Call, Failure, Output},
    resolve::Found,
    scan::scan,
    search::SearchPaths,
};
use crate::{search_path::SearchPath, toolchain::Toolchain};

/// How much of Ansible's words is passed on, in characters.
const MAX_PROBLEM: usize = 2_000;

/// A playbook needs some inventory; hosts patterns are not matched against it.
const NO_INVENTORY: &str = "localhost,";

impl Catalog {
    /// Plays, tags and tasks of a playbook, a bundle or a scenario, and what it names that is missing.
    ///
    /// Content that Ansible cannot list is an answer too, with [`Inspection::problem`] set. `shipped` has the roles that come
    /// with the program.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub async fn inspect(
        &self,
        content: &ContentRef,
        tools: Tools<'_>,
        shipped: Option<&Path>,
    ) -> Result<Inspection, Error> {
        let toolchain = tools.toolchain.clone();
        let (kind, name) = (content.kind(), content.name().clone());
        let found = self.find_blocking(kind, &name, Purpose::Run).await?;
        let arguments = ["-i", NO_INVENTORY, "--list-tasks", "--list-tags"].map(OsStr::new).into_iter();
        let arguments: Vec<&OsStr> = arguments.chain([found.path.as_os_str()]).collect();
        let search = SearchPath::new(&toolchain.environment, found.root.path());
        let places = search.variables(shipped);
        let (printed, ended) = match is_too_large(&found) {
            true => (Err(Failure::TooLarge), None),
            false => {
                let call = Call {
                    program: "ansible-playbook",
                    arguments: &arguments,
                    variables: &places,
                    directory: found.root.path(),
                    seen: self.seen_with(&found, Some(&self.options.inventory_root)),
                };
                program::run(tools, call).await
            }
        };
        let inspection =
            blocking(kind, move || Ok(inspection(kind, name, found, &toolchain, printed))).await?;
        Ok(Inspection { ended, ..inspection })
    }

    /// The groups and hosts of an inventory, without any variable, with the configuration that a run would have. Programs of
    /// the inventory are executed only if `executes` says so.
    ///
    /// # Errors
    /// As [`Self::resolve_inventory`]. A program that no setting names is not an inventory here.
    pub async fn inspect_inventory(
        &self,
        name: &ContentName,
        tools: Tools<'_>,
        executes: bool,
    ) -> Result<InventoryInspection, Error> {
        let toolchain = tools.toolchain;
        let found = self.find_blocking(ContentKind::Inventory, name, Purpose::Look).await?;
        let directory = self.working_directory().unwrap_or_else(|| found.root.path().to_owned());
        let search = SearchPath::new(&toolchain.environment, &directory);
        let mut variables = search.variables(None);
        let programs = if executes { Vec::new() } else { inventory::programs(&found.root, &found.path) };
        if !executes {
            // Ansible executes every executable file before it tries to parse it.
            let plugins = plugins_without_programs(&search, toolchain).join(",");
            variables.push(("ANSIBLE_INVENTORY_ENABLED", plugins.into()));
        }
        let path = found.root.path().join(&found.path);
        let arguments = [OsStr::new("-i"), path.as_os_str(), OsStr::new("--graph")];
        let (printed, ended) = match is_too_large(&found) {
            true => (Err(Failure::TooLarge), None),
            false => {
                let call = Call {
                    program: "ansible-inventory",
                    arguments: &arguments,
                    variables: &variables,
                    directory: &directory,
                    seen: self.seen_with(&found, Some(&directory)),
                };
                program::run(tools, call).await
            }
        };
        let problem = programs_problem(&programs).or_else(|| inventory_problem(&printed, found.root.path()));
        let (groups, hosts) = printed.map(|output| graph::parse(&output.stdout)).unwrap_or_default();
        Ok(InventoryInspection { name: name.clone(), path: found.path, groups, hosts, problem, ended })
    }

    /// What an inspection of this may read: its root, another directory, and what links may lead to.
    fn seen_with(&self, found: &Found, other: Option<&Path>) -> Vec<PathBuf> {
        let named = other.into_iter().chain(self.options.link_targets.iter().map(PathBuf::as_path));
        let seen = named.flat_map(|path| path.canonicalize().into_iter().chain([path.to_owned()]));
        std::iter::once(found.root.path().to_owned()).chain(seen).collect()
    }

    async fn find_blocking(
        &self,
        kind: ContentKind,
        name: &ContentName,
        purpose: Purpose,
    ) -> Result<Found, Error> {
        let (catalog, name) = (self.clone(), name.clone());
        blocking(kind, move || catalog.find(kind, &name, purpose)).await
    }
}

/// Ansible reads a file whole: one of some gigabytes would keep it busy for a minute.
fn is_too_large(found: &Found) -> bool {
    let status = found.root.status(&found.path);
    status.is_ok_and(|status| u64::try_from(status.st_size).is_ok_and(|size| size > program::MAX_FILE))
}

async fn blocking<T: Send + 'static>(
    kind: ContentKind,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let joined = tokio::task::spawn_blocking(work).await;
    joined.map_err(|error| Error::io(kind, Path::new(""), std::io::Error::other(error)))?
}

fn inspection(
    kind: ContentKind,
    name: ContentName,
    found: Found,
    toolchain: &Toolchain,
    printed: Result<Output, Failure>,
) -> Inspection {
    let search = SearchPaths::new(&found.root, toolchain);
    let findings = scan(&found.root, &search, &found.path);
    let directory = found.path.parent().unwrap_or(Path::new(""));
    // A role that is not named here is a dependency of one that is.
    let is_role = |name: &str| findings.named_roles.contains(name) || search.has_role(name, directory);
    let (plays, problem) = match printed {
        Ok(output) if output.success => (listing::parse(&output.stdout, is_role), None),
        Ok(output) => (findings.plays, Some(words(&output.stderr, found.root.path()))),
        Err(failure) => (findings.plays, Some(failure.to_string())),
    };
    Inspection {
        kind,
        name,
        root: found.index,
        tags: all_tags(&plays),
        plays,
        prompts: findings.prompts,
        missing_vars_files: findings.vars_files,
        missing_roles: findings.missing_roles.into_iter().collect(),
        missing_collections: findings.missing_collections.into_iter().collect(),
        problem,
        path: found.path,
        ended: None,
    }
}

fn all_tags(plays: &[Play]) -> Vec<String> {
    let of_tasks = plays.iter().flat_map(|play| &play.tasks).flat_map(|task| &task.tags);
    let all: BTreeSet<&String> = plays.iter().flat_map(|play| &play.tags).chain(of_tasks).collect();
    all.into_iter().cloned().collect()
}

/// The error message of Ansible, without the source lines that it quotes, which can contain plaintext of a variable file. Paths
/// are relative to the root.
fn words(stderr: &str, root: &Path) -> String {
    let text = plain(stderr, root);
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.iter().position(|line| line.starts_with("[ERROR]") || line.starts_with("ERROR!"));
    let message = lines[first.unwrap_or(0)..].iter().filter(|line| !is_quoted(line));
    let message: Vec<&str> = message.copied().collect();
    let message = message.join("\n");
    let message = message.trim();
    if message.is_empty() {
        return "`ansible-playbook` failed without a word".to_owned();
    }
    message.chars().take(MAX_PROBLEM).collect()
}

/// Whether a line quotes a source: `12 text`, or the mark below it, `   ^ column 3`.
fn is_quoted(line: &str) -> bool {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    (rest.len() < line.len() && (rest.is_empty() || rest.starts_with(' ')))
        || line.trim_start().starts_with('^')
        || line.starts_with("...")
}

/// The default inventory plugins of Ansible, in order.
const PLUGINS: [&str; 6] = ["host_list", "script", "auto", "yaml", "ini", "toml"];

/// The plugins that the configuration allows, without the one that executes programs.
fn plugins_without_programs(search: &SearchPath, toolchain: &Toolchain) -> Vec<String> {
    let named = toolchain.environment.get("ANSIBLE_INVENTORY_ENABLED");
    let named = named.map(|list| list.split(',').map(|name| name.trim().to_owned()).collect());
    let plugins = named.or_else(|| search.configuration.list("inventory", "enable_plugins"));
    let mut plugins = plugins.unwrap_or_else(|| PLUGINS.map(str::to_owned).into());
    plugins.retain(|name| !name.is_empty() && name.rsplit('.').next() != Some("script"));
    // An empty list would mean the default.
    if plugins.is_empty() { vec!["host_list".to_owned()] } else { plugins }
}

/// Programs were not executed: what they would have printed is missing.
fn programs_problem(programs: &[PathBuf]) -> Option<String> {
    if programs.is_empty() {
        return None;
    }
    let names: Vec<_> = programs.iter().map(|path| path.to_string_lossy()).collect();
    let text = format!(
        "`{}` is a program: it is executed in runs, and here only for callers that can run playbooks, if the setting \
         `ansible.inventory_scripts` names it",
        names.join("`, `")
    );
    Some(text.chars().take(MAX_PROBLEM).collect())
}

/// Why an inventory can't be read, without Ansible's messages, because these quote lines of the file.
fn inventory_problem(printed: &Result<Output, Failure>, root: &Path) -> Option<String> {
    let output = match printed {
        Ok(output) => output,
        Err(failure) => return Some(failure.to_string()),
    };
    let text = plain(&output.stderr, root);
    let unread = text.lines().filter_map(|line| {
        line.strip_prefix("[WARNING]: Unable to parse ")?.strip_suffix(" as an inventory source")
    });
    let positions = text
        .lines()
        .filter_map(|line| line.strip_prefix("Origin: "))
        .filter(|origin| origin.rsplit(':').take(2).all(|number| number.parse::<u32>().is_ok()));
    let unread: BTreeSet<&str> = unread.collect();
    let positions: BTreeSet<&str> = positions.collect();
    if output.success && unread.is_empty() {
        return None;
    }
    let list = |names: BTreeSet<&str>| names.into_iter().collect::<Vec<_>>().join("`, `");
    let mut problem = "Ansible cannot read it as an inventory".to_owned();
    if !unread.is_empty() {
        problem += &format!(": `{}`", list(unread));
    }
    if !positions.is_empty() {
        problem += &format!("\nhint: see `{}`", list(positions));
    }
    Some(problem.chars().take(MAX_PROBLEM).collect())
}

/// A text without terminal escapes and without the path of the root.
fn plain(text: &str, root: &Path) -> String {
    let text = log_text::plain(text);
    let mut prefix = PathBuf::from(root).into_os_string();
    prefix.push("/");
    text.replace(&*prefix.to_string_lossy(), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_an_error_quote_no_source_line() {
        let stderr = "[WARNING]: skipped\n\u{1b}[31m[ERROR]: couldn't resolve module\nOrigin: /r/b/main.yml:17:7\n\n\
                      15         - debug: {msg: r}\n16 password: hunter2\n17\n         ^ column 7\n";
        assert_eq!(
            words(stderr, Path::new("/r")),
            "[ERROR]: couldn't resolve module\nOrigin: b/main.yml:17:7"
        );
    }
}
