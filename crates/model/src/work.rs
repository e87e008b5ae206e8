//! The work of a job, without how it is queued, limited, and repeated: that is the [`JobRequest`](crate::JobRequest).
//!
//! `CONTRIBUTING.md` lists what a further kind needs. Code for playbooks calls [`Work::as_playbook`], and does nothing for
//! other kinds of work.

use std::fmt;

use serde_json::Value;

use crate::{
    ContentRef, Detail, ExtraVars, HostPattern, Inventories, Isolation, PlaybookDetail, ProjectName,
    RangeDetail, RangeWork, SecretValue, SecretVars, Step, Tags, TaskName,
};

/// The work of a job.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "almost all values are playbooks")]
pub enum Work {
    /// Runs Ansible.
    Playbook(PlaybookWork),
    /// Carries out a plan of a range.
    Range(RangeWork),
}

/// A kind of work, without the work itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkKind {
    /// [`Work::Playbook`].
    Playbook,
    /// [`Work::Range`].
    Range,
}

impl WorkKind {
    /// Every kind, in the order of the variants.
    pub const ALL: &[Self] = &[Self::Playbook, Self::Range];
}

/// A call of `ansible-playbook`, or several of them in one run.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaybookWork {
    /// The content to run.
    pub content: ContentRef,
    /// In which project; `None` for the content of `paths.playbooks`.
    pub project: Option<ProjectName>,
    /// Against which inventories.
    pub inventory: Inventories,
    /// Only these hosts.
    pub limit: Option<HostPattern>,
    /// Only tasks with these tags.
    pub tags: Option<Tags>,
    /// No tasks with these tags.
    pub skip_tags: Option<Tags>,
    /// Variables of the request.
    pub extra_vars: ExtraVars,
    /// Ansible's check mode: report what would change, change nothing.
    pub check: bool,
    /// Ansible's diff mode: show what changes in files.
    pub diff: bool,
    /// How verbose Ansible is, 0 to 5 (`-vvvvv`).
    pub verbosity: u8,
    /// How many hosts at once; `None` leaves it to Ansible's configuration.
    pub forks: Option<u16>,
    /// Begin at this task.
    pub start_at_task: Option<TaskName>,
    /// What runs before, one after the other in the same private directory; the first that fails ends the job.
    pub before: Vec<Step>,
    /// Variables whose values are never shown. They have other names than the other variables. Stored without the values, which are
    /// in [`Job::secrets`](crate::Job::secrets).
    pub secret_vars: SecretVars,
    /// How far its runs are isolated, at least; `None` leaves it to the node that runs it.
    pub isolation: Option<Isolation>,
}

impl Work {
    /// The kind of this work.
    #[must_use]
    pub const fn kind(&self) -> WorkKind {
        match self {
            Self::Playbook(_) => WorkKind::Playbook,
            Self::Range(_) => WorkKind::Range,
        }
    }

    /// The playbook; `None` for another kind of work.
    #[must_use]
    pub const fn as_playbook(&self) -> Option<&PlaybookWork> {
        match self {
            Self::Playbook(work) => Some(work),
            Self::Range(_) => None,
        }
    }

    /// The playbook, to be changed; `None` for another kind of work.
    #[must_use]
    pub const fn as_playbook_mut(&mut self) -> Option<&mut PlaybookWork> {
        match self {
            Self::Playbook(work) => Some(work),
            Self::Range(_) => None,
        }
    }

    /// The plan of a range; `None` for another kind of work.
    #[must_use]
    pub const fn as_range(&self) -> Option<&RangeWork> {
        match self {
            Self::Range(work) => Some(work),
            Self::Playbook(_) => None,
        }
    }

    /// The kind of thing it is about, and the name of that thing: jobs are searched by them. Both are the only member
    /// of a short JSON form of the work, `{"playbook": "ping"}`.
    #[must_use]
    pub fn subject(&self) -> (&'static str, &str) {
        match self {
            Self::Playbook(work) => (work.content.kind().as_str(), work.content.name().as_str()),
            Self::Range(work) => ("range", &work.name),
        }
    }

    /// The detail of an outcome of this work when nothing of it was carried out.
    #[must_use]
    pub fn empty_detail(&self) -> Detail {
        match self {
            Self::Playbook(_) => Detail::Playbook(PlaybookDetail::default()),
            Self::Range(_) => Detail::Range(RangeDetail::default()),
        }
    }

    /// Does it have a secret variable?
    #[must_use]
    pub fn has_secrets(&self) -> bool {
        match self {
            Self::Playbook(work) => work.has_secrets(),
            Self::Range(_) => false,
        }
    }

    /// The values of all secret variables; `None` when one of them is not here.
    #[must_use]
    pub fn expose_secrets(&self) -> Option<SecretValue> {
        match self {
            Self::Playbook(work) => work.expose_secrets(),
            Self::Range(_) => None,
        }
    }
}

impl From<PlaybookWork> for Work {
    fn from(work: PlaybookWork) -> Self {
        Self::Playbook(work)
    }
}

impl From<RangeWork> for Work {
    fn from(work: RangeWork) -> Self {
        Self::Range(work)
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, name) = self.subject();
        write!(f, "{kind} `{name}`")
    }
}

impl PlaybookWork {
    /// Work that specifies nothing beyond what to run against which inventories.
    #[must_use]
    pub fn new(content: ContentRef, inventory: impl Into<Inventories>) -> Self {
        Self {
            content,
            project: None,
            inventory: inventory.into(),
            limit: None,
            tags: None,
            skip_tags: None,
            extra_vars: ExtraVars::default(),
            check: false,
            diff: false,
            verbosity: 0,
            forks: None,
            start_at_task: None,
            before: Vec::new(),
            secret_vars: SecretVars::default(),
            isolation: None,
        }
    }

    /// How many steps it has, the content itself included.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.before.len() + 1
    }

    /// Does one of its steps have a secret variable?
    #[must_use]
    pub fn has_secrets(&self) -> bool {
        self.secret_sets().any(|vars| !vars.is_empty())
    }

    /// The values of all secret variables, in the order of the steps; `None` when one of them is not here.
    #[must_use]
    pub fn expose_secrets(&self) -> Option<SecretValue> {
        let sets = self.secret_sets().map(|vars| vars.expose().map(|values| values.expose().clone()));
        sets.collect::<Option<Vec<Value>>>().map(|sets| SecretValue::new(Value::Array(sets)))
    }

    /// Restores what [`Self::expose_secrets`] returned.
    pub fn give_back_secrets(&mut self, secrets: &SecretValue) {
        let sets = self.before.iter_mut().map(|step| &mut step.secret_vars).chain([&mut self.secret_vars]);
        for (vars, values) in sets.zip(secrets.expose().as_array().into_iter().flatten()) {
            vars.give_back(&SecretValue::new(values.clone()));
        }
    }

    fn secret_sets(&self) -> impl Iterator<Item = &SecretVars> {
        self.before.iter().map(|step| &step.secret_vars).chain([&self.secret_vars])
    }
}
