//! The things on the simulated platform and the tasks that work on them, and how both change.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    error::Error,
    observed::Power,
    owner::{Owner, Thing, ThingKind},
    wanted::Wanted,
};

/// Finished tasks that are remembered.
const REMEMBERED_TASKS: usize = 10_000;

/// Everything on the platform.
#[derive(Debug, Default)]
pub(super) struct World {
    entries: BTreeMap<String, Entry>,
    tasks: BTreeMap<u64, u64>,
    last_id: u64,
    /// What has changed since [`World::take_changes`].
    changes: Vec<Line>,
}

/// A thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) id: u64,
    /// `None`: it is not Rangehand's.
    pub(super) owner: Option<Owner>,
    pub(super) wanted: Wanted,
    pub(super) power: Power,
    /// When the machine is ready, if it is running.
    pub(super) ready_ms: u64,
    /// The last task that worked on it.
    pub(super) task: u64,
    /// It disappears when that task ends.
    pub(super) is_going: bool,
    /// Network interfaces that were detached by hand.
    pub(super) detached: BTreeSet<usize>,
    /// Rules that were changed by hand.
    pub(super) is_changed: bool,
    pub(super) snapshots: BTreeMap<String, Wanted>,
}

/// A change, as a line of the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    Put(String, Box<Entry>),
    Drop(String),
    Task(u64, u64),
}

/// The name of a thing on the platform. Names of different ranges differ, as on platforms that have one space of names for all.
pub(super) fn key(thing: &Thing) -> String {
    let kind = match thing.kind {
        ThingKind::Network => "network",
        ThingKind::Machine => "machine",
        ThingKind::Rules => "rules",
    };
    format!("{kind}/{}/{}/{}", thing.owner.service(), thing.owner.range(), thing.name)
}

impl World {
    /// The thing with this name, of any owner.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// All things.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&String, &Entry)> {
        self.entries.iter()
    }

    /// The thing, if it is there and carries its owner's mark.
    pub(super) fn owned(&self, thing: &Thing) -> Result<Option<Entry>, Error> {
        match self.entries.get(&key(thing)) {
            None => Ok(None),
            Some(entry) if entry.owner.as_ref() == Some(&thing.owner) => Ok(Some(entry.clone())),
            Some(_) => Err(Error::refused_with(
                format!("{thing}: the platform has something else under that name"),
                "rename or remove it; Rangehand changes only what carries its mark",
            )),
        }
    }

    pub(super) fn put(&mut self, key: String, entry: Entry) {
        self.apply(Line::Put(key, Box::new(entry)), true);
    }

    pub(super) fn drop(&mut self, key: &str) {
        self.apply(Line::Drop(key.to_owned()), true);
    }

    pub(super) fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// A task that ends at this time.
    pub(super) fn begin_task(&mut self, until_ms: u64) -> u64 {
        let id = self.new_id();
        self.apply(Line::Task(id, until_ms), true);
        id
    }

    /// When the task ends, if it is known.
    pub(super) fn task_end(&self, id: u64) -> Option<u64> {
        self.tasks.get(&id).copied()
    }

    /// The task that works on this thing now, and when it ends.
    pub(super) fn running_task(&self, entry: &Entry, now_ms: u64) -> Option<(u64, u64)> {
        self.task_end(entry.task).filter(|end| *end > now_ms).map(|end| (entry.task, end))
    }

    /// Lets what was being removed disappear.
    pub(super) fn settle(&mut self, now_ms: u64) {
        let is_over = |entry: &Entry| entry.is_going && self.running_task(entry, now_ms).is_none();
        let over: Vec<String> =
            self.entries.iter().filter(|(_, entry)| is_over(entry)).map(|(key, _)| key.clone()).collect();
        for key in over {
            self.drop(&key);
        }
    }

    /// Carries out a change; `is_new` if the file does not have it yet.
    pub(super) fn apply(&mut self, line: Line, is_new: bool) {
        match &line {
            Line::Put(key, entry) => {
                self.last_id = self.last_id.max(entry.id);
                self.entries.insert(key.clone(), (**entry).clone());
            }
            Line::Drop(key) => {
                self.entries.remove(key);
            }
            Line::Task(id, until) => {
                self.last_id = self.last_id.max(*id);
                self.tasks.insert(*id, *until);
                while self.tasks.len() > REMEMBERED_TASKS {
                    self.tasks.pop_first();
                }
            }
        }
        if is_new {
            self.changes.push(line);
        }
    }

    /// What the file does not have yet.
    pub(super) fn take_changes(&mut self) -> Vec<Line> {
        std::mem::take(&mut self.changes)
    }

    /// Everything, as changes of an empty world.
    pub(super) fn as_lines(&self) -> impl Iterator<Item = Line> {
        let tasks = self.tasks.iter().map(|(id, until)| Line::Task(*id, *until));
        let entries = self.entries.iter();
        tasks.chain(entries.map(|(key, entry)| Line::Put(key.clone(), Box::new(entry.clone()))))
    }
}
