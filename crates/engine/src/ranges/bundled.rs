//! Jobs of Rangehand's own playbooks for ranges, which come with the program.

use std::fmt::Display;

use model::{ContentName, ContentRef, ExtraVars, HostPattern, PlaybookWork, ProjectName};
use serde_json::{Map, Value};

/// The project that contains the bundled playbooks.
pub const BUNDLED_PROJECT: &str = "rangehand-bundled";

/// A machine, or what is to be done on it, can't be described to Ansible.
#[derive(Debug, thiserror::Error)]
#[error("the job for `{subject}` cannot be described: {why}")]
pub struct WorkError {
    subject: String,
    why: String,
}

fn bad(subject: &str) -> impl Fn(&dyn Display) -> WorkError {
    move |why| WorkError { subject: subject.to_owned(), why: why.to_string() }
}

/// The work of a bundled playbook with one variable that has a value for each host.
pub(super) fn work(
    playbook: &str,
    inventory: ContentName,
    variable: &str,
    values: impl IntoIterator<Item = (String, String)>,
) -> Result<PlaybookWork, WorkError> {
    let bad = bad(playbook);
    let values: Map<String, Value> =
        values.into_iter().map(|(host, value)| (host, Value::String(value))).collect();
    let vars = Map::from_iter([(variable.to_owned(), Value::Object(values))]);
    let mut work =
        PlaybookWork::new(ContentRef::Playbook(playbook.parse().map_err(|why| bad(&why))?), inventory);
    let project: ProjectName = BUNDLED_PROJECT.parse().map_err(|why| bad(&why))?;
    work.project = Some(project);
    work.extra_vars = ExtraVars::check(vars, false).map_err(|why| bad(&why))?;
    Ok(work)
}

/// The pattern of one host.
pub(super) fn host(name: &str) -> Result<HostPattern, WorkError> {
    name.parse().map_err(|why| bad(name)(&why))
}
