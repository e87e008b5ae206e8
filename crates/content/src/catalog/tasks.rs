//! The part of a scan that reads lists of tasks: blocks, imports, includes, roles, and modules.

use std::path::{Path, PathBuf};

use super::{
    Task, prompts,
    scan::{Place, Scan, is_dynamic, sorted_tags},
    yaml::Yaml,
};

/// What a task does with other files, by the last part of its action's name.
const IMPORT_TASKS: &str = "import_tasks";
const INCLUDE_TASKS: &str = "include_tasks";
const PAUSE: &str = "pause";
const ROLE_ACTIONS: &[&str] = &["import_role", "include_role"];

/// The keys of a block that hold tasks.
const BLOCK_SECTIONS: &[&str] = &["block", "rescue", "always"];

/// Keys of a task that are not its action. Keys that start with `with_` are not actions either.
const KEYWORDS: &[&str] = &[
    "any_errors_fatal",
    "args",
    "async",
    "become",
    "become_exe",
    "become_flags",
    "become_method",
    "become_user",
    "changed_when",
    "check_mode",
    "collections",
    "connection",
    "debugger",
    "delay",
    "delegate_facts",
    "delegate_to",
    "diff",
    "environment",
    "failed_when",
    "ignore_errors",
    "ignore_unreachable",
    "listen",
    "loop",
    "loop_control",
    "module_defaults",
    "name",
    "no_log",
    "notify",
    "poll",
    "port",
    "register",
    "remote_user",
    "retries",
    "run_once",
    "tags",
    "throttle",
    "timeout",
    "until",
    "vars",
    "when",
];

impl Scan<'_> {
    /// Reads a list of tasks; what Ansible would list of it is appended to `listed`.
    pub(super) fn tasks(&mut self, tasks: &[Yaml], place: Place<'_>, listed: &mut Vec<Task>) {
        for task in tasks {
            let tags = sorted_tags(task.get("tags"), place.tags);
            let place = Place { tags: &tags, ..place };
            if task.get("block").is_some() {
                for section in BLOCK_SECTIONS {
                    // Ansible lists only the tasks of `block` itself.
                    let nested = task.get(section).map_or(&[][..], Yaml::items);
                    let mut ignored = Vec::new();
                    self.tasks(nested, place, if *section == "block" { listed } else { &mut ignored });
                }
            } else if let Some((action, arguments)) = action_of(task) {
                self.task(task, action, arguments, place, listed);
            }
        }
    }

    fn task(
        &mut self,
        task: &Yaml,
        action: &str,
        arguments: &Yaml,
        place: Place<'_>,
        listed: &mut Vec<Task>,
    ) {
        if let Some(collection) = collection_of(action) {
            self.collection(&collection, place.playbook_directory);
        }
        for collection in task.get("collections").map(Yaml::texts).unwrap_or_default() {
            self.collection(collection, place.playbook_directory);
        }
        let short = action.strip_prefix("ansible.builtin.").or(action.strip_prefix("ansible.legacy."));
        let short = short.unwrap_or(action);
        if short == PAUSE {
            let value = |name| argument(task, arguments, name);
            let is_timed = value("seconds").or_else(|| value("minutes")).is_some();
            self.findings.prompts.extend((!is_timed).then(|| prompts::of_a_pause(value("prompt"))));
        }
        if ROLE_ACTIONS.contains(&short) {
            let name = argument(task, arguments, "name").unwrap_or_default();
            self.role(&name, place.playbook_directory);
        }
        if short == IMPORT_TASKS || short == INCLUDE_TASKS {
            let file = argument(task, arguments, "file").or(arguments.text().map(str::to_owned));
            let mut ignored = Vec::new();
            let imported = short == IMPORT_TASKS;
            self.task_file(&file.unwrap_or_default(), place, if imported { listed } else { &mut ignored });
            if imported {
                return;
            }
        }
        let name = task.get("name").and_then(Yaml::text).filter(|name| !name.is_empty()).unwrap_or(action);
        listed.push(Task { name: name.to_owned(), role: None, tags: place.tags.to_vec() });
    }

    /// Follows an import or include: next to the file that contains it, in `tasks/`, or next to the playbook.
    fn task_file(&mut self, file: &str, place: Place<'_>, listed: &mut Vec<Task>) {
        if file.is_empty() || is_dynamic(file) {
            return;
        }
        let beside =
            [place.directory.to_owned(), place.directory.join("tasks"), place.playbook_directory.to_owned()];
        let found: Option<PathBuf> =
            beside.into_iter().map(|directory| directory.join(file)).find(|path| self.root.is_file(path));
        let Some(path) = found else { return };
        let Some(document) = self.read(&path, place.depth + 1) else { return };
        let directory = path.parent().unwrap_or(Path::new(""));
        self.tasks(document.items(), Place { directory, depth: place.depth + 1, ..place }, listed);
    }
}

/// The action of a task and its arguments: its one key that is no keyword.
fn action_of(task: &Yaml) -> Option<(&str, &Yaml)> {
    let legacy = task.get_any(&["action", "local_action"]);
    if let Some(arguments) = legacy {
        let module = arguments.get("module").unwrap_or(arguments).text()?;
        return Some((module.split_whitespace().next()?, arguments));
    }
    let is_keyword = |key: &str| KEYWORDS.contains(&key) || key.starts_with("with_");
    task.entries().iter().find(|(key, _)| !is_keyword(key)).map(|(key, value)| (key.as_str(), value))
}

/// An argument of an action: from its map, from `name=value` words, or from `args`.
fn argument(task: &Yaml, arguments: &Yaml, name: &str) -> Option<String> {
    let from_map = arguments.get(name).or_else(|| task.get("args")?.get(name)).and_then(Yaml::text);
    let mut words = arguments.text().unwrap_or_default().split_whitespace();
    let from_words = || words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    from_map.or_else(from_words).map(|value| value.trim_matches(['"', '\'']).to_owned())
}

/// The collection of an action that is written with it, `namespace.collection.module`.
fn collection_of(action: &str) -> Option<String> {
    let mut parts = action.split('.');
    let (namespace, collection) = (parts.next()?, parts.next()?);
    parts.next()?;
    let is_word =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    (is_word(namespace) && is_word(collection)).then(|| format!("{namespace}.{collection}"))
}
