//! The tasks that Ansible lists for one attempt of a job, filtered by its tags and its start task.
//!
//! Listed names are templates, while events contain the rendered names. A listed name with an expression therefore
//! matches every name that fits the literal text around the expression. Tasks of dynamic includes are not listed.

use std::{collections::BTreeSet, ops::Range};

use content::catalog::Inspection;
use model::{PlaybookWork, Tags, TaskName};

/// Separates the name of a role from the name of its task.
const SEPARATOR: &str = " : ";

/// A listed task.
#[derive(Debug)]
pub(crate) struct Listed {
    /// The position of its play.
    pub(crate) play: usize,
    /// The role it belongs to.
    role: Option<String>,
    /// Its name without the role.
    name: String,
}

/// A task as events name it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Name<'a> {
    /// Its role.
    pub(crate) role: Option<&'a str>,
    /// Its name, or its action when it has none.
    pub(crate) name: &'a str,
    /// Whether it has no name.
    pub(crate) is_action: bool,
}

/// The tasks that the tags of a request select, in their order.
#[derive(Debug, Default)]
pub(crate) struct TaskList {
    plays: Vec<(String, Range<usize>)>,
    tasks: Vec<Listed>,
    /// Ansible could not list the tasks; this list comes from reading the files.
    pub(crate) is_partial: bool,
}

impl TaskList {
    pub(crate) fn new(inspection: Inspection, work: &PlaybookWork) -> Self {
        let is_partial = inspection.problem.is_some();
        let mut list = Self { is_partial, ..Self::default() };
        for (play, inspected) in inspection.plays.into_iter().enumerate() {
            let begin = list.tasks.len();
            for task in inspected.tasks {
                if runs(&task.tags, work.tags.as_ref(), work.skip_tags.as_ref()) {
                    list.tasks.push(Listed { play, role: task.role, name: task.name });
                }
            }
            list.plays.push((inspected.name, begin..list.tasks.len()));
        }
        list
    }

    pub(crate) const fn len(&self) -> usize {
        self.tasks.len()
    }

    pub(crate) fn play_name(&self, play: usize) -> &str {
        &self.plays[play].0
    }

    pub(crate) fn task(&self, index: usize) -> &Listed {
        &self.tasks[index]
    }

    /// The positions of the tasks of a play.
    pub(crate) fn tasks_of(&self, play: usize) -> Range<usize> {
        self.plays[play].1.clone()
    }

    /// The next play of this name. The search includes the current play, because a play that runs in batches starts
    /// several times.
    pub(crate) fn play(&self, from: Option<usize>, name: &str) -> Option<usize> {
        let from = from.unwrap_or(0);
        (from..self.plays.len()).chain(0..from).find(|play| fits(&self.plays[*play].0, name))
    }

    /// The task of a play with this name in this role: the next one after `at`, else the first one.
    pub(crate) fn find(&self, play: usize, at: Option<usize>, name: &Name<'_>) -> Option<usize> {
        let range = self.tasks_of(play);
        let next = at.map_or(range.start, |at| at + 1).clamp(range.start, range.end);
        let search = |fits: &dyn Fn(&usize) -> bool| {
            (next..range.end).chain(range.start..next).find(|index| fits(index))
        };
        let exact = search(&|index| {
            let task = &self.tasks[*index];
            // A task without a name is listed without its role.
            let is_role = task.role.as_deref() == name.role || (task.role.is_none() && name.is_action);
            // The list may contain the role as part of the name.
            let whole = || name.role.map(|role| format!("{role} : {}", name.name));
            (is_role && fits(&task.name, name.name))
                || (task.role.is_none() && Some(&task.name) == whole().as_ref())
        });
        // A role that is referenced by path has a different name in each copy of the content.
        exact.or_else(|| {
            let is_by_path = |index: &usize| {
                let task = &self.tasks[*index];
                let rest = task.in_unknown_role();
                name.role.is_some() && rest.is_some_and(|rest| fits(rest, name.name))
            };
            search(&is_by_path)
        })
    }

    /// The task at which Ansible starts if `--start-at-task` names this one: the first task with the same name.
    pub(crate) fn first_alike(&self, index: usize) -> usize {
        let text = self.tasks[index].full_name();
        let in_any_role = self.tasks[index].in_unknown_role().map(|rest| format!("{SEPARATOR}{rest}"));
        let is_alike = |task: &Listed| {
            task.name == text
                || task.full_name() == text
                || in_any_role.as_ref().is_some_and(|end| task.full_name().ends_with(end))
        };
        self.tasks.iter().position(is_alike).unwrap_or(index)
    }

    /// The position at which Ansible starts for this name; `None` when no task has it.
    pub(crate) fn position(&self, start: &TaskName) -> Option<usize> {
        let is_meant = |task: &Listed| {
            let names = [task.name.clone(), task.full_name()];
            names.iter().any(|name| name == start.as_str() || exactly(name) == start.as_str())
                || task.start().as_ref() == Some(start)
        };
        self.tasks.iter().position(is_meant)
    }
}

impl Listed {
    /// The name with its role as a prefix, as Ansible prints it.
    pub(crate) fn full_name(&self) -> String {
        match &self.role {
            Some(role) => format!("{role} : {}", self.name),
            None => self.name.clone(),
        }
    }

    /// The value of `--start-at-task` that matches exactly this name; `None` when that is not a single line. A
    /// wildcard replaces a role that is referenced by path, because the path may differ in the run.
    pub(crate) fn start(&self) -> Option<TaskName> {
        let start = match self.in_unknown_role() {
            Some(rest) => format!("*{SEPARATOR}{}", exactly(rest)),
            None => exactly(&self.full_name()),
        };
        start.parse().ok()
    }

    /// The name without its role, if the role is a path, or the list did not recognize the role.
    fn in_unknown_role(&self) -> Option<&str> {
        match &self.role {
            Some(role) => Some(self.name.as_str()).filter(|_| role.contains('/')),
            None => self.name.split_once(SEPARATOR).map(|(_, rest)| rest),
        }
    }
}

/// Escapes wildcards, because Ansible matches the name as a file name pattern (`fnmatch`).
fn exactly(name: &str) -> String {
    let escaped = |c: char| if matches!(c, '*' | '?' | '[') { format!("[{c}]") } else { c.to_string() };
    name.chars().map(escaped).collect()
}

/// A template with less literal text than this would match too many names.
const MIN_LITERAL: usize = 3;

/// Whether a template can render to this name. Expressions match any text.
fn fits(template: &str, name: &str) -> bool {
    let template = template.trim();
    let Some((head, mut rest)) = template.split_once("{{") else { return template == name.trim() };
    let literal =
        head.len() + rest.split("{{").filter_map(|part| Some(part.split_once("}}")?.1.len())).sum::<usize>();
    if literal < MIN_LITERAL {
        return false;
    }
    let Some(mut name) = name.trim().strip_prefix(head) else { return false };
    loop {
        let Some((_, after)) = rest.split_once("}}") else { return false };
        let Some((literal, more)) = after.split_once("{{") else { return name.ends_with(after) };
        let Some((_, left)) = name.split_once(literal) else { return false };
        (name, rest) = (left, more);
    }
}

/// Selects a task by its tags as Ansible does (`ansible/playbook/taggable.py`).
fn runs(tags: &[String], only: Option<&Tags>, skip: Option<&Tags>) -> bool {
    let set = |tags: Option<&Tags>| -> BTreeSet<String> {
        tags.map(|tags| tags.as_str().split(',').map(str::to_owned).collect()).unwrap_or_default()
    };
    let (mut only, skip) = (set(only), set(skip));
    if only.is_empty() {
        only.insert("all".to_owned());
    }
    let is_tagged = !tags.is_empty();
    let has = |name: &str| tags.iter().any(|tag| tag == name);
    let named = |set: &BTreeSet<String>| {
        tags.iter().any(|tag| set.contains(tag)) || (!is_tagged && set.contains("untagged"))
    };
    let is_chosen = has("always")
        || named(&only)
        || (!has("never") && (only.contains("all") || (is_tagged && only.contains("tagged"))));
    let is_skipped = if skip.contains("all") {
        !has("always") || skip.contains("always")
    } else {
        named(&skip) || (is_tagged && skip.contains("tagged"))
    };
    is_chosen && !is_skipped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_fits_what_it_can_give() {
        for (template, name, is_fit) in [
            ("Install", "Install", true),
            ("Install", "Install ", true),
            ("Install", "Installed", false),
            ("Install {{ item }}", "Install nginx", true),
            ("{{ a }} on {{ b }}", "nginx on web", true),
            ("{{ a }} on {{ b }}!", "nginx on web", false),
            ("{{ a }} on {{ b }}", "nginx at web", false),
            ("{{ a }}", "nginx", false),
            ("Install {{ item", "Install nginx", false),
        ] {
            assert_eq!(fits(template, name), is_fit, "{template} {name}");
        }
    }

    #[test]
    fn tags_choose_as_they_do_in_ansible() {
        for (tags, only, skip, does_run) in [
            ("", "", "", true),
            ("", "a", "", false),
            ("a b", "b", "", true),
            ("always", "x", "", true),
            ("never", "", "", false),
            ("never a", "a", "", true),
            ("never a", "tagged", "", false),
            ("", "untagged", "", true),
            ("a", "untagged", "", false),
            ("a", "tagged", "", true),
            ("a", "", "a", false),
            ("", "", "untagged", false),
            ("a", "", "tagged", false),
            ("always", "", "all", true),
            ("always", "", "always", false),
        ] {
            let tags: Vec<String> = tags.split_whitespace().map(str::to_owned).collect();
            let (only, skip) = (only.parse::<Tags>().ok(), skip.parse::<Tags>().ok());
            assert_eq!(runs(&tags, only.as_ref(), skip.as_ref()), does_run, "{tags:?} {only:?} {skip:?}");
        }
    }

    #[test]
    fn a_task_of_a_role_named_by_its_path_is_found_in_any_directory() {
        let unknown = |name: &str| Listed { play: 0, role: None, name: name.to_owned() };
        let by_path = |name: &str| Listed { role: Some("/content/site".to_owned()), ..unknown(name) };
        for tasks in [
            ["/content/site : one", "plain", "/content/site : two [x]"].map(unknown),
            [by_path("one"), unknown("plain"), by_path("two [x]")],
        ] {
            let tasks = tasks.into();
            let list = TaskList { plays: vec![("all".to_owned(), 0..3)], tasks, is_partial: false };
            let name = Name { role: Some("/run/17/project"), name: "two [x]", is_action: false };
            assert_eq!(list.find(0, Some(0), &name), Some(2));
            let start = list.task(2).start().expect("a name");
            assert_eq!(start.as_str(), "* : two [[]x]");
            assert_eq!((list.position(&start), list.first_alike(2)), (Some(2), 2));
            assert_eq!(list.find(0, None, &Name { role: None, ..name }), None, "it is in no role");
        }
    }

    #[test]
    fn a_name_is_no_pattern() {
        assert_eq!(exactly("a [b] *?"), "a [[]b] [*][?]");
    }
}
